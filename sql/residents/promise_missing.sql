-- Promises as many residents of %(name)s as are missing from %(wanted)s, and returns a holder for each.
-- The caller holds the lock of leases in the same transaction, taken by a statement before this one. Index: leases'
-- primary key; a name has a handful of rows. Guarantees: a dead resident counts until its lease expires; one that
-- leaves soon does not count.
WITH dead AS (
    DELETE FROM trackai.leases WHERE name = %(name)s AND expires_at <= now()
),
lasting AS (
    SELECT count(*) AS residents
    FROM trackai.leases
    WHERE name = %(name)s
      AND expires_at > now()
      AND leaves_at > now() + make_interval(secs => %(hand_over)s)
)
INSERT INTO trackai.leases (name, holder, expires_at, leaves_at)
SELECT %(name)s,
       gen_random_uuid()::text,
       now() + make_interval(secs => %(start)s),
       now() + make_interval(secs => %(start)s + %(life)s)
FROM lasting, generate_series(1, %(wanted)s - lasting.residents)
RETURNING holder
