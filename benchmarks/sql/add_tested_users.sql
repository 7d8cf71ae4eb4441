-- Adds the users who came from the UTC day %(since)s to before %(until)s, of %(users)s in 28 days, their ids in no order. Each is
-- in two of the ten tests, a minute apart.
WITH came AS MATERIALIZED (
    SELECT n, 'user-' || lpad((n * 7919 %% %(users)s)::text, 8, '0') AS id,
           timestamptz '2026-01-01 00:00Z' + (n + 0.5) / %(users)s * interval '672 hours' AS at
    FROM generate_series(0::bigint, %(users)s::bigint - 1) n
),
known AS (
    INSERT INTO trackai.users (tenant_id, id, email_hash, created_at, updated_at, changed_at)
    SELECT 'cm2tests00000000000000000', c.id, md5(c.n::text) || md5('address ' || c.n::text), c.at, c.at, c.at
    FROM came c
    WHERE c.at >= %(since)s AND c.at < %(until)s
    ORDER BY c.n
)
INSERT INTO trackai.ab_test_assignments (tenant_id, test_id, user_id, variant_assigned, assigned_at, created_at)
SELECT 'cm2tests00000000000000000', c.n %% 5 + 1 + t.place, c.id,
       CASE WHEN (c.n / 5 + t.place) & 1 = 0 THEN 'control' ELSE 'one-page' END, x.at, x.at
FROM came c
CROSS JOIN (VALUES (0), (5)) AS t (place)
CROSS JOIN LATERAL (SELECT c.at + t.place * interval '12 seconds' AS at) x
WHERE c.at >= %(since)s AND c.at < %(until)s
ORDER BY c.n, t.place
