-- Registers the campaigns that staged clicks name and that are not known yet, and notes of others that a click named them.
-- Names are made distinct, and those left out that are a campaign as they stand, before campaign_of looks at the few that
-- remain. Index: campaigns' primary key, in whose order rows are written. A name is looked up as a range of one, in order,
-- for which no other index is as good: stale statistics cannot make it read all campaigns of the tenant for each name.
-- Repeating it changes nothing.
INSERT INTO trackai.campaigns AS c (tenant_id, campaign_id, name, status, created_at, clicked, named_at)
SELECT n.tenant_id, n.campaign_id, n.campaign_id, 'active', %(now)s, true, %(now)s
FROM (
    SELECT DISTINCT d.tenant_id, trackai.campaign_of(d.utm_campaign) COLLATE "C" AS campaign_id
    FROM (SELECT DISTINCT s.tenant_id, s.utm_campaign FROM pg_temp.staged_clicks s) d
    WHERE (
        SELECT k.clicked
        FROM trackai.campaigns k
        WHERE k.tenant_id = d.tenant_id AND k.campaign_id BETWEEN d.utm_campaign AND d.utm_campaign
        ORDER BY k.campaign_id
        LIMIT 1
    ) IS NOT TRUE
) n
WHERE (
    SELECT k.clicked
    FROM trackai.campaigns k
    WHERE k.tenant_id = n.tenant_id AND k.campaign_id BETWEEN n.campaign_id AND n.campaign_id
    ORDER BY k.campaign_id
    LIMIT 1
) IS NOT TRUE
ORDER BY n.tenant_id, n.campaign_id
ON CONFLICT (tenant_id, campaign_id) DO UPDATE SET clicked = true, named_at = excluded.named_at
WHERE NOT c.clicked
