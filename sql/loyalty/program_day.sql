-- The local day of a tenant's program at a moment; no row where it has no program by then.
-- Index: the key of loyalty_programs.
SELECT d.day
FROM trackai.loyalty_programs p
CROSS JOIN LATERAL (SELECT (%(now)s::timestamptz AT TIME ZONE p.time_zone)::date AS day) d
WHERE p.tenant_id = %(tenant_id)s AND p.valid_from <= d.day
ORDER BY p.valid_from DESC
LIMIT 1
