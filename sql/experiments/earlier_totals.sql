-- Returns the totals of a test of the UTC days from %(first)s to %(last)s, with the users who are not analysed.
-- Indexes: the keys of ab_test_daily_totals and ab_test_daily_health.
SELECT t.day, t.population, t.variant_name, h.excluded_users, {columns}
FROM trackai.ab_test_daily_totals t
JOIN trackai.ab_test_daily_health h ON h.tenant_id = t.tenant_id AND h.test_id = t.test_id AND h.day = t.day
WHERE t.tenant_id = %(tenant_id)s AND t.test_id = %(test_id)s AND t.day >= %(first)s AND t.day <= %(last)s
  AND t.variant_name = ANY(%(variants)s::text[])
