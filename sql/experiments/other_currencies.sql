-- Counted conversions of a test up to the UTC day %(day)s in another currency than the test's, by currency, most first.
-- Index: the key of ab_test_outcomes, by its first two columns. Guarantees: read-only.
SELECT o.currency, count(*) AS conversions
FROM trackai.ab_tests t
JOIN trackai.ab_test_outcomes o ON o.tenant_id = t.tenant_id AND o.test_id = t.id
WHERE t.tenant_id = %(tenant_id)s AND t.id = %(test_id)s AND o.day <= %(day)s AND o.class = 'counted'
  AND o.currency <> t.currency
GROUP BY o.currency
ORDER BY conversions DESC, o.currency
