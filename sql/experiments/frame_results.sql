-- Every comparison of a test with the users and sums behind it, by day, population, variant, metric and estimator.
-- Index: the keys of ab_test_daily_results and ab_test_daily_totals. Guarantees: read-only.
SELECT r.day, r.population, r.variant_name AS variant, r.metric, r.estimator, d.users_count AS users,
       d.converted_users, d.conversions, d.revenue, r.estimate, r.difference, r.ci_lower, r.ci_upper, r.lift,
       r.lift_ci_lower, r.lift_ci_upper, r.standard_error, r.p_value, r.p_value_always_valid, r.always_ci_lower,
       r.always_ci_upper, r.p_value_decision, r.p_value_adjusted, r.probability_to_beat_control, r.variance_reduction
FROM trackai.ab_test_daily_results r
JOIN trackai.ab_test_daily_totals d USING (tenant_id, test_id, day, population, variant_name)
JOIN trackai.ab_test_variants v USING (tenant_id, test_id, variant_name)
WHERE r.tenant_id = %(tenant_id)s AND r.test_id = %(test_id)s
ORDER BY r.day, r.population DESC, v.position, r.metric, r.estimator
