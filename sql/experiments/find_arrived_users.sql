-- Finds the touched users of tests with what is known of them now: who was assigned since %(since)s, changed, or bought.
-- Indexes: ab_test_assignments_by_arrival; assignments are read once, and joined with touched users by hashes first.
WITH assigned AS MATERIALIZED (
    SELECT a.test_id, a.user_id
    FROM trackai.ab_test_assignments a
    WHERE a.tenant_id = %(tenant_id)s AND a.created_at >= %(since)s
    UNION
    SELECT r.test_id, r.user_id
    FROM trackai.ab_test_reassignments r
    WHERE r.tenant_id = %(tenant_id)s AND r.created_at >= %(since)s
)
INSERT INTO pg_temp.arrived_users (test_id, user_id, variant_name, assigned_at, exclusion, arrived)
SELECT u.test_id, u.user_id, u.variant_name, u.assigned_at, u.exclusion, t.changed OR a.user_id IS NOT NULL
FROM trackai.ab_test_users_as_known(%(tenant_id)s, 'infinity') u
JOIN pg_temp.touched_users t ON t.user_id = u.user_id
LEFT JOIN assigned a ON a.test_id = u.test_id AND a.user_id = u.user_id
WHERE u.test_id = ANY(%(test_ids)s::bigint[]) AND (t.in_all_tests OR a.user_id IS NOT NULL)
