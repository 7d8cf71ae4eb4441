-- What each test came to by the end of some UTC days, of all tenants or one: users and counted conversions so far, the p-value of
-- its split, and of each variant but the control the lift of the primary metric and its always valid p-value; by day,
-- tenant, test and variant.
-- Index: the keys of ab_tests, ab_test_daily_totals, ab_test_daily_results and ab_test_daily_health.
-- Guarantees: read-only.
SELECT d.day, s.slug || '/' || t.test_key AS test, n.users, n.conversions, h.srm_p_value, v.variant_name AS variant,
       r.lift, r.p_value_always_valid
FROM trackai.ab_tests t
JOIN trackai.tenants s ON s.id = t.tenant_id
CROSS JOIN unnest(%(days)s::date[]) AS d (day)
CROSS JOIN LATERAL (
    SELECT sum(n.users_count)::bigint AS users, sum(n.conversions)::bigint AS conversions
    FROM trackai.ab_test_daily_totals n
    WHERE n.tenant_id = t.tenant_id AND n.test_id = t.id AND n.day = d.day AND n.population = 'so_far'
) n
LEFT JOIN trackai.ab_test_daily_health h ON h.tenant_id = t.tenant_id AND h.test_id = t.id AND h.day = d.day
JOIN trackai.ab_test_variants v ON v.tenant_id = t.tenant_id AND v.test_id = t.id AND v.position > 1
LEFT JOIN trackai.ab_test_daily_results r
    ON r.tenant_id = t.tenant_id AND r.test_id = t.id AND r.day = d.day AND r.population = 'so_far'
   AND r.variant_name = v.variant_name AND r.metric = t.primary_metric AND r.estimator = t.estimator
WHERE n.users IS NOT NULL AND (%(tenant_id)s::text IS NULL OR t.tenant_id = %(tenant_id)s)
ORDER BY d.day, s.slug, t.test_key, v.position
