-- Tests with figures of a UTC day in [%(first)s, %(last)s], of all tenants or the one with this slug, by tenant and key.
-- Index: the keys of ab_tests and ab_test_daily_totals. Guarantees: read-only.
SELECT s.slug, s.name AS tenant, t.tenant_id, t.test_key
FROM trackai.ab_tests t
JOIN trackai.tenants s ON s.id = t.tenant_id
WHERE (%(tenant)s::text IS NULL OR s.slug = %(tenant)s)
  AND EXISTS (
      SELECT FROM trackai.ab_test_daily_totals d
      WHERE d.tenant_id = t.tenant_id AND d.test_id = t.id AND d.day BETWEEN %(first)s AND %(last)s
  )
ORDER BY s.slug, t.test_key
