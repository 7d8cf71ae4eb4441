-- Returns id and slug of a tenant by either. Index: the keys of tenants.
SELECT t.id, t.slug FROM trackai.tenants t WHERE t.slug = %(tenant)s OR t.id = %(tenant)s
ORDER BY t.slug = %(tenant)s DESC
LIMIT 1
