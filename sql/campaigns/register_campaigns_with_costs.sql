-- Registers the campaigns that the costs of a tenant's UTC day belong to and that are not known yet, e.g. of costs that were
-- inserted by plain SQL.
-- Index: campaigns' primary key. Repeating it changes nothing.
INSERT INTO trackai.campaigns (tenant_id, campaign_id, name, status, created_at)
SELECT %(tenant_id)s, n.campaign_id, n.campaign_id, 'active', %(now)s
FROM (SELECT DISTINCT c.campaign_id FROM day_costs c) n
WHERE NOT EXISTS (
    SELECT FROM trackai.campaigns o WHERE o.tenant_id = %(tenant_id)s AND o.campaign_id = n.campaign_id
)
ORDER BY n.campaign_id
ON CONFLICT DO NOTHING
