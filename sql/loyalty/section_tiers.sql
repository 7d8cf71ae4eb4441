-- Programs with their creators by tier, as after the last evaluated day. Index: none; all creators are read.
SELECT t.slug, t.name, m.current_tier AS tier_id, held.tier_name, count(*) AS creators
FROM trackai.tenants t
JOIN trackai.loyalty_members m ON m.tenant_id = t.id AND m.current_tier IS NOT NULL AND m.left_on IS NULL
CROSS JOIN LATERAL (
    SELECT i.tier_name, i.tier_order FROM trackai.tiers i
    WHERE i.tenant_id = m.tenant_id AND i.tier_id = m.current_tier AND i.valid_from <= m.evaluated_day
    ORDER BY i.valid_from DESC
    LIMIT 1
) AS held
WHERE %(tenant)s::text IS NULL OR t.slug = %(tenant)s
GROUP BY t.slug, t.name, m.current_tier, held.tier_name, held.tier_order
ORDER BY t.name, t.slug, held.tier_order
