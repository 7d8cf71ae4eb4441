-- Registers the campaigns that staged lifts name and that are not known yet.
-- Index: campaigns' primary key, in whose order rows are written. Repeating it changes nothing.
INSERT INTO trackai.campaigns (tenant_id, campaign_id, name, status, created_at)
SELECT DISTINCT s.tenant_id, s.campaign_id, s.campaign_id, 'active', %(now)s::timestamptz
FROM pg_temp.staged_campaign_lifts s
WHERE NOT EXISTS (
    SELECT FROM trackai.campaigns k WHERE k.tenant_id = s.tenant_id AND k.campaign_id = s.campaign_id
)
ORDER BY s.tenant_id, s.campaign_id
ON CONFLICT DO NOTHING
