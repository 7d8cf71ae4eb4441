-- Finds the touched users of tests with what is known of them now: who was assigned since %(since)s, changed, or bought.
-- Returns which users each test analyses, of one in %(one_in)s users, as analysed_users does: both are read at once.
-- Indexes: ab_test_assignments_by_arrival; assignments are read once, and users whose bit is set (user_bits.py) are looked up
-- in a hash of touched users.
WITH assigned AS MATERIALIZED (
    SELECT a.test_id, a.user_id
    FROM trackai.ab_test_assignments a
    WHERE a.tenant_id = %(tenant_id)s AND a.created_at >= %(since)s
),
reassigned AS MATERIALIZED (
    SELECT DISTINCT r.test_id, r.user_id
    FROM trackai.ab_test_reassignments r
    WHERE r.tenant_id = %(tenant_id)s AND r.created_at >= %(since)s
),
users AS MATERIALIZED (
    SELECT u.test_id, u.user_id, u.variant_name, u.assigned_at, u.exclusion, t.changed, t.in_all_tests,
           t.user_id IS NOT NULL AS touched, hashtextextended(u.user_id COLLATE "C", 7) AS hash
    FROM trackai.ab_test_users_as_known(%(tenant_id)s, 'infinity') u
    LEFT JOIN pg_temp.touched_users t ON t.user_id = u.user_id
    -- These conditions are of assignments alone, so that the rest is joined with few of them. None is of test_id by itself: that
    -- would read the key's entries of nearly all assignments first.
    WHERE (u.test_id = ANY(%(test_ids)s::bigint[])) IS TRUE
      AND (
          hashtextextended(u.user_id COLLATE "C", 7) & (%(one_in)s::bigint - 1) = 0
          OR get_bit(%(bits)s::bytea, hashtextextended(u.user_id COLLATE "C", 7) & %(mask)s::bigint) = 1
          AND u.user_id IN (SELECT f.user_id FROM pg_temp.touched_users f)
      )
),
arrived AS (
    INSERT INTO pg_temp.arrived_users (test_id, user_id, variant_name, assigned_at, exclusion, arrived)
    SELECT u.test_id, u.user_id, u.variant_name, u.assigned_at, u.exclusion,
           u.changed OR a.user_id IS NOT NULL OR r.user_id IS NOT NULL
    FROM users u
    LEFT JOIN assigned a ON a.test_id = u.test_id AND a.user_id = u.user_id
    LEFT JOIN reassigned r ON r.test_id = u.test_id AND r.user_id = u.user_id
    WHERE u.touched AND (u.in_all_tests OR a.user_id IS NOT NULL)
)
SELECT u.test_id, u.variant_name, string_agg(int8send(u.hash), '') AS users
FROM users u
WHERE u.exclusion IS NULL AND u.assigned_at < %(new_until)s AND u.hash & (%(one_in)s::bigint - 1) = 0
GROUP BY u.test_id, u.variant_name
