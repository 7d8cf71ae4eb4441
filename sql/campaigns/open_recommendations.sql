-- The open recommendations of all tenants, or of the one with this id, the most urgent first.
-- Index: campaign_optimizations_open.
SELECT t.slug, o.id, o.priority, o.campaign_id, o.recommendation_text, o.potential_uplift_percent, o.confidence_score,
       o.implementation_effort
FROM trackai.campaign_optimizations o
JOIN trackai.tenants t ON t.id = o.tenant_id
WHERE NOT o.implemented
  AND o.withdrawn_at IS NULL
  AND (%(tenant_id)s::text IS NULL OR o.tenant_id = %(tenant_id)s)
ORDER BY t.slug, o.priority, o.potential_uplift_percent DESC NULLS LAST, o.campaign_id, o.rule, o.subject
