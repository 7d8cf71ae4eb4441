-- Notes the names that staged costs state campaigns of ad platforms with. A name too long for a campaign is none.
-- Index: ad_campaign_names' primary key, in whose order rows are written. Repeating it changes nothing.
INSERT INTO trackai.ad_campaign_names AS n (tenant_id, source, campaign_id, name, first_stated_at)
SELECT s.tenant_id, s.source, s.campaign_id, trackai.trimmed(s.campaign_name) COLLATE "C", min(s.last_stated_at)
FROM pg_temp.staged_ad_costs s
WHERE length(trackai.trimmed(s.campaign_name)) <= 512
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
ON CONFLICT (tenant_id, source, campaign_id, name) DO UPDATE
SET first_stated_at = excluded.first_stated_at
WHERE excluded.first_stated_at < n.first_stated_at
