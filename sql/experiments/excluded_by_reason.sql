-- Users of a test who were assigned by the end of the UTC day %(day)s and are excluded by hand, by reason.
-- Index: the keys of excluded_users and ab_test_assignments. Guarantees: read-only.
SELECT x.reason, count(*) AS users
FROM trackai.excluded_users x
JOIN trackai.v_ab_test_users u ON u.tenant_id = x.tenant_id AND u.user_id = x.user_id
WHERE x.tenant_id = %(tenant_id)s AND u.tenant_id = %(tenant_id)s AND u.test_id = %(test_id)s
  AND u.exclusion = 'excluded_user' AND u.assigned_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY x.reason
ORDER BY users DESC, x.reason
