-- Returns the conversions of each tenant from a UTC day on, as the match rates have counted them.
-- Index: the key of daily_match_rates.
SELECT t.slug,
       coalesce((
           SELECT sum(d.conversions) FROM trackai.daily_match_rates d WHERE d.tenant_id = t.id AND d.day >= %(first)s
       ), 0) AS conversions
FROM trackai.tenants t
WHERE %(tenant_id)s::text IS NULL OR t.id = %(tenant_id)s
ORDER BY t.slug
