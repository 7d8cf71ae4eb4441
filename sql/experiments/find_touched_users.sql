-- Finds the users who changed, were excluded or assigned since %(since)s, or bought a sale that arrived; and those who were
-- assigned several times, because what their first row says of the time may not count.
-- Indexes: users_by_change, ab_test_assignments_by_arrival.
INSERT INTO pg_temp.touched_users (user_id, changed, in_all_tests)
SELECT t.user_id, bool_or(t.changed), bool_or(t.in_all_tests)
FROM (
    SELECT u.id AS user_id, true AS changed, true AS in_all_tests
    FROM trackai.users u
    WHERE u.tenant_id = %(tenant_id)s AND u.changed_at >= %(since)s
    UNION ALL
    SELECT x.user_id, true, true
    FROM trackai.excluded_users x
    WHERE x.tenant_id = %(tenant_id)s AND x.created_at >= %(since)s
    UNION ALL
    SELECT s.user_id, false, true
    FROM pg_temp.arrived_sales s
    UNION ALL
    SELECT r.user_id, false, true
    FROM trackai.ab_test_reassignments r
    WHERE r.tenant_id = %(tenant_id)s
    UNION ALL
    SELECT a.user_id, false, false
    FROM trackai.ab_test_assignments a
    WHERE a.tenant_id = %(tenant_id)s AND a.created_at >= %(since)s
) t
GROUP BY t.user_id
