-- Adds the creation of staged tests whose history does not begin yet. Indexes: the key of tenant and test_key, and
-- ab_test_events_by_test.
INSERT INTO trackai.ab_test_events (tenant_id, test_id, at, action, to_status, by_whom)
SELECT DISTINCT t.tenant_id, t.id, %(now)s::timestamptz, 'create', 'draft', t.created_by
FROM pg_temp.staged_ab_tests s
JOIN trackai.ab_tests t ON t.tenant_id = s.tenant_id AND t.test_key = s.test_key
WHERE NOT EXISTS (SELECT FROM trackai.ab_test_events e WHERE e.tenant_id = t.tenant_id AND e.test_id = t.id)
