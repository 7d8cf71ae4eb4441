-- Returns staged users with the variant that is stored of each. Index: the primary key of ab_test_assignments.
SELECT s.user_id, a.variant_assigned
FROM pg_temp.staged_users s
LEFT JOIN LATERAL (
    SELECT a.variant_assigned
    FROM trackai.ab_test_assignments a
    WHERE a.tenant_id = %(tenant_id)s AND a.test_id = %(test_id)s AND a.user_id = s.user_id
    LIMIT 1
) a ON true
