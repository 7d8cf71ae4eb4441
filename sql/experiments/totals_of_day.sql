-- The totals of a test that are stored of a UTC day, by population and variant. Index: the key of ab_test_daily_totals.
-- Guarantees: read-only.
SELECT t.population, t.variant_name, {columns}
FROM trackai.ab_test_daily_totals t
WHERE t.tenant_id = %(tenant_id)s AND t.test_id = %(test_id)s AND t.day = %(day)s
