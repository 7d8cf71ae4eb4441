-- Registers the campaigns of a tenant's UTC day that are not known yet, e.g. what an alias means.
-- Index: campaigns' primary key. Repeating it changes nothing.
INSERT INTO trackai.campaigns (tenant_id, campaign_id, name, status, created_at)
SELECT %(tenant_id)s, n.campaign_id, n.campaign_id, 'active', %(now)s
FROM (
    SELECT s.campaign_id FROM day_sales s
    UNION
    SELECT k.campaign_id FROM day_clicks k
    UNION
    SELECT c.campaign_id FROM day_costs c
) n
WHERE NOT EXISTS (
    SELECT FROM trackai.campaigns c WHERE c.tenant_id = %(tenant_id)s AND c.campaign_id = n.campaign_id
)
ORDER BY n.campaign_id
ON CONFLICT DO NOTHING
