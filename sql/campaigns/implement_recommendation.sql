-- Notes that a recommendation was implemented; the first time counts. Returns the tenant, the campaign, the text and when
-- it was implemented, or no row where there is no recommendation of that id. Ids are generated over all tenants.
-- Reads all recommendations, which are few.
UPDATE trackai.campaign_optimizations o
SET implemented = true,
    implemented_at = coalesce(o.implemented_at, %(now)s),
    updated_at = CASE WHEN o.implemented THEN o.updated_at ELSE %(now)s END
FROM trackai.tenants t
WHERE t.id = o.tenant_id AND o.id = %(id)s
RETURNING t.slug, o.campaign_id, o.recommendation_text, o.implemented_at
