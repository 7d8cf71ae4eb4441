-- How many conversions of the users of a tenant's tests are in each class.
-- Index: the key of ab_test_outcomes. Guarantees: read-only.
SELECT t.test_key, o.class, count(*)
FROM trackai.ab_tests t
JOIN trackai.ab_test_outcomes o ON o.tenant_id = t.tenant_id AND o.test_id = t.id
WHERE t.tenant_id = %(tenant_id)s
GROUP BY t.test_key, o.class
