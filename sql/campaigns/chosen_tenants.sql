-- All tenants, or the one with this slug or id, with the settings that decisions depend on, by slug.
-- Reads all tenants, which are few.
SELECT t.id, t.slug, t.credit_unit, t.time_zone, t.buyer_memory_days
FROM trackai.tenants t
WHERE %(tenant)s::text IS NULL OR t.slug = %(tenant)s OR t.id = %(tenant)s
ORDER BY t.slug
