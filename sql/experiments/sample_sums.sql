-- Users, buyers, conversions and revenue of each variant of a tenant's tests on the newest day.
-- Index: the keys of ab_tests and ab_test_daily_totals. Guarantees: read-only.
SELECT t.test_key, d.variant_name, d.users_count, d.converted_users, d.conversions, d.revenue
FROM trackai.ab_tests t
JOIN trackai.ab_test_daily_totals d ON d.tenant_id = t.tenant_id AND d.test_id = t.id AND d.population = 'so_far'
WHERE t.tenant_id = %(tenant_id)s
  AND d.day = (
      SELECT max(n.day) FROM trackai.ab_test_daily_totals n WHERE n.tenant_id = t.tenant_id AND n.test_id = t.id
  )
