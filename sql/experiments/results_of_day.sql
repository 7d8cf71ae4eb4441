-- The results of a test that are stored of a UTC day, by population, variant, metric and estimator.
-- Index: the key of ab_test_daily_results. Guarantees: read-only.
SELECT r.population, r.variant_name, r.metric, r.estimator, {columns}
FROM trackai.ab_test_daily_results r
WHERE r.tenant_id = %(tenant_id)s AND r.test_id = %(test_id)s AND r.day = %(day)s
