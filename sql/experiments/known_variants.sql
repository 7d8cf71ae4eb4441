-- Returns what assignments look up: for a tenant, a test's key and a variant the test's number, or draft; for a test's key
-- alone nothing but that it is there. Reads all tests, which are few.
SELECT v.tenant_id, t.test_key, v.variant_name, CASE WHEN t.status = 'draft' THEN 'draft' ELSE t.id::text END
FROM trackai.ab_tests t
JOIN trackai.ab_test_variants v ON v.tenant_id = t.tenant_id AND v.test_id = t.id
UNION ALL
SELECT t.tenant_id, t.test_key, '', t.status FROM trackai.ab_tests t
