-- Turns the promise %(promised)s into the lease of %(holder)s; without such a promise (it expired, or nobody made one) a
-- lease is given only when residents are missing. The caller holds the lock of leases in the same transaction, taken by
-- a statement before this one. Index: leases' primary key.
-- Guarantees: a promise is taken once; a resident that starts too late does not come on top of its replacement.
WITH promise AS (
    DELETE FROM trackai.leases WHERE name = %(name)s AND holder = %(promised)s AND taken_at IS NULL
    RETURNING holder
),
lasting AS (
    SELECT count(*) AS residents
    FROM trackai.leases
    WHERE name = %(name)s
      AND holder <> %(promised)s
      AND expires_at > now()
      AND leaves_at > now() + make_interval(secs => %(hand_over)s)
)
INSERT INTO trackai.leases (name, holder, taken_at, expires_at, leaves_at)
SELECT %(name)s,
       %(holder)s,
       clock_timestamp(),
       now() + make_interval(secs => %(expires)s),
       now() + make_interval(secs => %(life)s)
FROM lasting
WHERE EXISTS (SELECT 1 FROM promise) OR lasting.residents < %(wanted)s
