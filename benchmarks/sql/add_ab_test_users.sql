-- Adds users to the test of have_ab_test, as they come: their ids are in no order.
INSERT INTO trackai.ab_test_assignments (tenant_id, test_id, user_id, variant_assigned, assigned_at, created_at)
SELECT t.tenant_id, t.id, 'user-' || lpad((n * 7919 %% %(users)s)::text, 8, '0'),
       CASE WHEN n %% 2 = 0 THEN t.control_variant ELSE t.variant_a END, at, at
FROM generate_series(1::bigint, %(users)s) n
CROSS JOIN LATERAL (SELECT timestamptz '2026-01-01' + n * interval '100 milliseconds' AS at) x
CROSS JOIN trackai.ab_tests t
WHERE t.tenant_id = 't-split' AND t.test_key = 'checkout'
ORDER BY n
