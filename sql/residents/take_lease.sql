-- Turns the promise %(promised)s into the lease of %(holder)s. If it expired, another open promise is taken instead:
-- its resident starts later still, and on a machine where every start takes too long no resident would ever stay.
-- Without any promise a lease is granted only when residents are missing. The caller holds the lock of leases in the
-- same transaction, taken by a statement before this one. Index: the primary keys of leases and failed_starts.
-- Guarantees: a promise is taken once; a resident that starts too late takes the place of its replacement, and is not
-- an additional one. A lease that is taken makes up for the starts that failed. No row means that none was taken.
WITH promise AS (
    DELETE FROM trackai.leases
    WHERE name = %(name)s
      AND holder = (
          SELECT p.holder
          FROM trackai.leases p
          WHERE p.name = %(name)s AND %(promised)s <> '' AND p.taken_at IS NULL
            AND (p.holder = %(promised)s OR p.expires_at > now())
          ORDER BY p.holder = %(promised)s DESC, p.expires_at, p.holder
          LIMIT 1
      )
    RETURNING holder
),
lasting AS (
    SELECT count(*) AS residents
    FROM trackai.leases
    WHERE name = %(name)s
      AND holder NOT IN (SELECT p.holder FROM promise p)
      AND expires_at > now()
      AND leaves_at > now() + make_interval(secs => %(hand_over)s)
),
taken AS (
    INSERT INTO trackai.leases (name, holder, taken_at, expires_at, leaves_at)
    SELECT %(name)s,
           %(holder)s,
           clock_timestamp(),
           now() + make_interval(secs => %(expires)s),
           now() + make_interval(secs => %(life)s)
    FROM lasting
    WHERE EXISTS (SELECT 1 FROM promise) OR lasting.residents < %(wanted)s
    RETURNING holder
),
succeeded AS (
    DELETE FROM trackai.failed_starts WHERE name = %(name)s AND EXISTS (SELECT 1 FROM taken)
)
SELECT holder FROM taken
