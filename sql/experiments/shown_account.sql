-- Where the conversions of a test's users up to the UTC day %(day)s went: by class and variant, with what they are worth,
-- whatever the currency.
-- Index: the keys of ab_test_outcomes and ab_test_assignments, by their first two columns. Guarantees: read-only.
SELECT a.class, a.variant_name AS variant, sum(a.conversions)::bigint AS conversions, sum(a.value) AS value
FROM trackai.v_ab_test_account a
WHERE a.tenant_id = %(tenant_id)s AND a.test_id = %(test_id)s AND a.day <= %(day)s
GROUP BY a.class, a.variant_name
ORDER BY a.class, a.variant_name
