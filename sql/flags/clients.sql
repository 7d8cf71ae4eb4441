-- Returns the clients of a tenant, or with tenant_id NULL those of all tenants: a small table, read whole by each server
-- every second. Index: the primary keys of both tables.
SELECT
    c.tenant_id,
    t.slug,
    c.id,
    c.name,
    c.app_type,
    c.key_sha256,
    c.allowed_origins,
    c.per_second,
    c.created_at,
    c.revoked_at,
    c.last_used_on
FROM trackai.feature_flag_clients AS c
INNER JOIN trackai.tenants AS t ON c.tenant_id = t.id
WHERE %(tenant_id)s::text IS NULL OR c.tenant_id = %(tenant_id)s::text
ORDER BY t.slug, c.id
