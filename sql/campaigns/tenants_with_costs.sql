-- The tenants with costs of %(from_day)s or later. Index: the unique key of ad_cost_statements, once a tenant.
SELECT t.id, t.slug
FROM trackai.tenants t
WHERE EXISTS (SELECT FROM trackai.ad_cost_statements s WHERE s.tenant_id = t.id AND s.day >= %(from_day)s)
ORDER BY t.slug
