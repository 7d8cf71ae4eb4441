-- The tenants, or the one with this slug or id, with what the data-driven models give credit to, by slug.
-- Reads all tenants, which are few.
SELECT t.id, t.slug, t.credit_unit
FROM trackai.tenants t
WHERE %(tenant)s::text IS NULL OR t.slug = %(tenant)s OR t.id = %(tenant)s
ORDER BY t.slug
