-- Returns how many users of a test are not analysed, by day and variant (0 the control).
-- Index: the key of ab_test_daily_health.
SELECT h.day, array_position(%(variants)s::text[], v.key) - 1 AS variant, sum(v.value::bigint)::bigint AS users
FROM trackai.ab_test_daily_health h
CROSS JOIN LATERAL jsonb_each(h.excluded_users) AS r
CROSS JOIN LATERAL jsonb_each_text(r.value) AS v
WHERE h.tenant_id = %(tenant_id)s AND h.test_id = %(test_id)s AND v.key = ANY(%(variants)s::text[])
GROUP BY h.day, v.key
