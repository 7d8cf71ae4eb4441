-- Returns the tests of a tenant, or of all, with their users, conversions and decision, by tenant and key.
-- Indexes: the keys of ab_test_assignments (a range of entries a test), ab_test_results and ab_test_decisions.
SELECT n.slug, t.test_key, s.name, s.status, s.users_assigned, s.total_conversions, s.start_date, s.end_date, s.winner,
       s.reason
FROM trackai.ab_tests t
JOIN trackai.tenants n ON n.id = t.tenant_id
JOIN trackai.v_ab_test_summary s ON s.tenant_id = t.tenant_id AND s.id = t.id
WHERE %(tenant_id)s::text IS NULL OR t.tenant_id = %(tenant_id)s
ORDER BY n.slug, t.test_key
