-- Finds the users of tests who were assigned, excluded, linked or unlinked since %(since)s, and those who bought a sale
-- that arrived. Indexes: ab_test_assignments_by_arrival, users_by_change; assignments are read once and joined by hashes.
WITH changed AS MATERIALIZED (
    SELECT u.id AS user_id
    FROM trackai.users u
    WHERE u.tenant_id = %(tenant_id)s AND u.changed_at >= %(since)s
    UNION
    SELECT x.user_id
    FROM trackai.excluded_users x
    WHERE x.tenant_id = %(tenant_id)s AND x.created_at >= %(since)s
),
assigned AS MATERIALIZED (
    SELECT a.test_id, a.user_id
    FROM trackai.ab_test_assignments a
    WHERE a.tenant_id = %(tenant_id)s AND a.created_at >= %(since)s
    UNION
    SELECT r.test_id, r.user_id
    FROM trackai.ab_test_reassignments r
    WHERE r.tenant_id = %(tenant_id)s AND r.created_at >= %(since)s
),
buyers AS MATERIALIZED (
    SELECT DISTINCT s.user_id
    FROM pg_temp.arrived_sales s
)
INSERT INTO pg_temp.arrived_users (test_id, user_id, variant_name, assigned_at, exclusion, arrived)
SELECT u.test_id, u.user_id, u.variant_name, u.assigned_at, u.exclusion,
       c.user_id IS NOT NULL OR a.user_id IS NOT NULL
FROM trackai.ab_test_users_as_known(%(tenant_id)s, 'infinity') u
LEFT JOIN changed c ON c.user_id = u.user_id
LEFT JOIN assigned a ON a.test_id = u.test_id AND a.user_id = u.user_id
LEFT JOIN buyers b ON b.user_id = u.user_id
WHERE u.test_id = ANY(%(test_ids)s::bigint[]) AND num_nonnulls(c.user_id, a.user_id, b.user_id) > 0
