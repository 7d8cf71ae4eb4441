-- Returns the id of a tenant by its slug or its id. Index: the keys of tenants.
SELECT t.id FROM trackai.tenants t WHERE t.slug = %(tenant)s OR t.id = %(tenant)s
ORDER BY t.slug = %(tenant)s DESC
LIMIT 1
