-- Promises as many residents of %(name)s as are missing from %(wanted)s, and returns a holder for each.
-- The caller holds the lock of leases in the same transaction, taken by a statement before this one. Index: leases'
-- and failed_starts' primary keys; a name has a handful of rows. Guarantees: a dead resident counts until its lease
-- expires; one that leaves soon does not count. After a failed start nothing is promised until the next one is due, and
-- then one resident at a time until a start succeeds.
WITH dead AS (
    DELETE FROM trackai.leases WHERE name = %(name)s AND expires_at <= now()
),
lasting AS (
    SELECT count(*) AS residents, count(*) FILTER (WHERE taken_at IS NULL) AS starting
    FROM trackai.leases
    WHERE name = %(name)s
      AND expires_at > now()
      AND leaves_at > now() + make_interval(secs => %(hand_over)s)
),
due AS (
    SELECT CASE
               WHEN f.name IS NULL THEN %(wanted)s - l.residents
               WHEN f.next_at <= now() THEN least(%(wanted)s - l.residents, 1 - l.starting)
               ELSE 0
           END AS residents
    FROM lasting l
    LEFT JOIN trackai.failed_starts f ON f.name = %(name)s
)
INSERT INTO trackai.leases (name, holder, expires_at, leaves_at)
SELECT %(name)s,
       gen_random_uuid()::text,
       now() + make_interval(secs => %(start)s),
       now() + make_interval(secs => %(start)s + %(life)s)
FROM due, generate_series(1, due.residents)
RETURNING holder
