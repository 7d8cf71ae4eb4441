-- Running tests that were started before %(before)s and that nobody has been assigned in since then.
-- Index: idx_abt_status; the newest assignment of a test is looked for in the test's part of the key, which is read whole
-- where there is none. Guarantees: read-only.
SELECT s.slug AS tenant, t.test_key AS test
FROM trackai.ab_tests t
JOIN trackai.tenants s ON s.id = t.tenant_id
WHERE t.status = 'running' AND greatest(t.start_date, t.started_at) < %(before)s
  AND coalesce(t.end_date > %(before)s, true)
  AND NOT EXISTS (
      SELECT FROM trackai.ab_test_assignments a
      WHERE a.tenant_id = t.tenant_id AND a.test_id = t.id AND a.created_at >= %(before)s
  )
ORDER BY s.slug, t.test_key
