-- How each variant of a test compared with the control at the end of each UTC day up to %(last)s: the lift, and the bounds
-- that hold on all days at once. Both are differences over the control's estimate.
-- Index: the key of ab_test_daily_results. Guarantees: read-only.
SELECT r.day, r.variant_name AS variant, r.difference / c.estimate AS lift, r.always_ci_lower / c.estimate AS lower,
       r.always_ci_upper / c.estimate AS upper
FROM trackai.ab_test_variants v
JOIN trackai.ab_test_daily_results r
    ON r.tenant_id = v.tenant_id AND r.test_id = v.test_id AND r.variant_name = v.variant_name
JOIN trackai.ab_test_variants w ON w.tenant_id = v.tenant_id AND w.test_id = v.test_id AND w.position = 1
JOIN trackai.ab_test_daily_results c
    ON c.tenant_id = r.tenant_id AND c.test_id = r.test_id AND c.day = r.day AND c.population = r.population
   AND c.variant_name = w.variant_name AND c.metric = r.metric AND c.estimator = r.estimator
WHERE v.tenant_id = %(tenant_id)s AND v.test_id = %(test_id)s AND v.position > 1 AND r.day <= %(last)s
  AND r.population = 'so_far' AND r.metric = %(metric)s AND r.estimator = %(estimator)s
  AND r.difference IS NOT NULL AND c.estimate > 0
ORDER BY v.position, r.day
