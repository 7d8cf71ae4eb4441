-- The id of the tenant with this slug or id, and whether PostgreSQL knows the time zone.
-- Index: tenants' keys.
SELECT t.id,
       %(time_zone)s::text IS NULL
       OR EXISTS (SELECT FROM pg_timezone_names z WHERE z.name = %(time_zone)s) AS zone_is_known
FROM trackai.tenants t
WHERE t.slug = %(tenant)s OR t.id = %(tenant)s
ORDER BY t.slug <> %(tenant)s
LIMIT 1
