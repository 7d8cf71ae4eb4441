-- The variants of a test on the UTC day %(day)s, in order: the sums of a population, and how the metric compares.
-- Index: the keys of ab_test_daily_totals and ab_test_daily_results. Guarantees: read-only.
SELECT v.variant_name AS variant, d.users_count AS users, d.unlinked_users AS unlinked, d.mature_users AS mature,
       d.converted_users AS converted, d.conversions, d.revenue, d.revenue_conversions, r.estimate, r.lift,
       r.lift_ci_lower, r.lift_ci_upper, r.p_value, r.p_value_always_valid, r.p_value_adjusted,
       r.probability_to_beat_control
FROM trackai.ab_test_variants v
JOIN trackai.ab_test_daily_totals d
    ON d.tenant_id = v.tenant_id AND d.test_id = v.test_id AND d.day = %(day)s AND d.population = %(population)s
   AND d.variant_name = v.variant_name
LEFT JOIN trackai.ab_test_daily_results r
    ON r.tenant_id = d.tenant_id AND r.test_id = d.test_id AND r.day = d.day AND r.population = d.population
   AND r.variant_name = d.variant_name AND r.metric = %(metric)s AND r.estimator = %(estimator)s
WHERE v.tenant_id = %(tenant_id)s AND v.test_id = %(test_id)s
ORDER BY v.position
