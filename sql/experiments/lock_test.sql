-- Locks a test until the transaction ends, so that its status changes once, and nobody is assigned in between.
-- Index: the key of tenant and test_key.
SELECT t.id FROM trackai.ab_tests t WHERE t.tenant_id = %(tenant_id)s AND t.test_key = %(test_key)s
FOR UPDATE
