-- The longest time, in days, that a sale of any tenant looks back for its click, whenever it was or will be made; NULL
-- where every tenant is retired. A tenant without settings counts with the longest that is allowed.
-- Index: none. A few rows a tenant.
SELECT max(coalesce(s.lookback_days, 3650))
FROM trackai.tenants t
LEFT JOIN trackai.matching_settings s ON s.tenant_id = t.id
WHERE t.status <> 'retired'
