-- Adds the touched users who are not among those who arrived. Indexes: none is needed, as in find_arrived_users.
INSERT INTO pg_temp.arrived_users (test_id, user_id, variant_name, assigned_at, exclusion, arrived)
SELECT u.test_id, u.user_id, u.variant_name, u.assigned_at, u.exclusion, false
FROM trackai.ab_test_users_as_known(%(tenant_id)s, 'infinity') u
JOIN pg_temp.touched_users t ON t.user_id = u.user_id
WHERE u.test_id = ANY(%(test_ids)s::bigint[])
  AND NOT EXISTS (SELECT FROM pg_temp.arrived_users a WHERE a.test_id = u.test_id AND a.user_id = u.user_id)
