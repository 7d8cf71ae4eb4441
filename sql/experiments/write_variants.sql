-- Writes the results of each variant of a test from those of a day and population, in the primary metric.
-- Indexes: the keys of ab_test_daily_totals, ab_test_daily_results and ab_test_results, a row for each variant.
-- Guarantees: one winner at most, because the row that is none any more is written first; what is unchanged is not
-- written again, and keeps when it was.
INSERT INTO trackai.ab_test_results AS a
    (tenant_id, test_id, variant_name, users_count, conversions, conversion_rate, revenue, avg_order_value,
     statistical_significance, p_value, confidence_interval_lower, confidence_interval_upper, winner, created_at,
     updated_at, converted_users, lift, lift_ci_lower, lift_ci_upper, p_value_adjusted, p_value_always_valid,
     result_day, population, safe_to_act)
SELECT t.tenant_id, t.test_id, t.variant_name, t.users_count, t.conversions,
       t.converted_users::float8 / nullif(t.users_count, 0), t.revenue, t.revenue / nullif(t.revenue_conversions, 0),
       100 * (1 - r.p_value_adjusted), r.p_value, r.ci_lower, r.ci_upper,
       t.variant_name IS NOT DISTINCT FROM %(winner)s::text, %(now)s, %(now)s, t.converted_users, r.lift,
       r.lift_ci_lower, r.lift_ci_upper, r.p_value_adjusted, r.p_value_always_valid, t.day, t.population, %(safe_to_act)s
FROM trackai.ab_test_daily_totals t
LEFT JOIN trackai.ab_test_daily_results r
    ON r.tenant_id = t.tenant_id AND r.test_id = t.test_id AND r.day = t.day AND r.population = t.population
   AND r.variant_name = t.variant_name AND r.metric = %(metric)s AND r.estimator = %(estimator)s
WHERE t.tenant_id = %(tenant_id)s AND t.test_id = %(test_id)s AND t.day = %(day)s AND t.population = %(population)s
ORDER BY t.variant_name IS NOT DISTINCT FROM %(winner)s::text, t.variant_name
ON CONFLICT (tenant_id, test_id, variant_name) DO UPDATE
SET (users_count, conversions, conversion_rate, revenue, avg_order_value, statistical_significance, p_value,
     confidence_interval_lower, confidence_interval_upper, winner, updated_at, converted_users, lift, lift_ci_lower,
     lift_ci_upper, p_value_adjusted, p_value_always_valid, result_day, population, safe_to_act) =
    (excluded.users_count, excluded.conversions, excluded.conversion_rate, excluded.revenue, excluded.avg_order_value,
     excluded.statistical_significance, excluded.p_value, excluded.confidence_interval_lower,
     excluded.confidence_interval_upper, excluded.winner, excluded.updated_at, excluded.converted_users, excluded.lift,
     excluded.lift_ci_lower, excluded.lift_ci_upper, excluded.p_value_adjusted, excluded.p_value_always_valid,
     excluded.result_day, excluded.population, excluded.safe_to_act)
WHERE (a.users_count, a.conversions, a.revenue, a.avg_order_value, a.p_value, a.confidence_interval_lower,
       a.confidence_interval_upper, a.winner, a.converted_users, a.lift, a.lift_ci_lower, a.lift_ci_upper,
       a.p_value_adjusted, a.p_value_always_valid, a.result_day, a.population, a.safe_to_act)
      IS DISTINCT FROM
      (excluded.users_count, excluded.conversions, excluded.revenue, excluded.avg_order_value, excluded.p_value,
       excluded.confidence_interval_lower, excluded.confidence_interval_upper, excluded.winner,
       excluded.converted_users, excluded.lift, excluded.lift_ci_lower, excluded.lift_ci_upper,
       excluded.p_value_adjusted, excluded.p_value_always_valid, excluded.result_day, excluded.population,
       excluded.safe_to_act)
