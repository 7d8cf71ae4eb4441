-- Returns the tenants with a test that is not archived: slug and id. Index: idx_abt_status.
SELECT n.slug, n.id
FROM trackai.tenants n
WHERE EXISTS (
    SELECT FROM trackai.ab_tests t WHERE t.tenant_id = n.id AND t.status IN ('draft', 'running', 'completed', 'paused')
)
ORDER BY n.slug
