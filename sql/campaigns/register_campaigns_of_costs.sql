-- Registers the campaigns that staged costs are joined to and that are not known yet, by the rule of the view
-- v_counted_ad_costs. Index: campaigns' primary key, in whose order rows are written. Repeating it changes nothing.
INSERT INTO trackai.campaigns (tenant_id, campaign_id, name, status, created_at)
SELECT j.tenant_id, j.campaign_id, j.campaign_id, 'active', %(now)s
FROM (
    SELECT DISTINCT c.tenant_id, coalesce(
        (
            SELECT a.campaign_id
            FROM trackai.campaign_aliases a
            WHERE a.tenant_id = c.tenant_id AND a.source IN (c.source, '') AND a.alias = c.campaign_id
            ORDER BY a.source DESC
            LIMIT 1
        ),
        (
            SELECT k.campaign_id
            FROM trackai.campaigns k
            WHERE k.tenant_id = c.tenant_id AND k.campaign_id = c.campaign_id
              AND (k.clicked OR k.updated_at IS NOT NULL)
        ),
        (
            SELECT a.campaign_id
            FROM trackai.campaign_aliases a
            WHERE a.tenant_id = c.tenant_id AND a.source IN (c.source, '') AND a.alias = trackai.trimmed(c.utm_campaign)
            ORDER BY a.source DESC
            LIMIT 1
        ),
        nullif(nullif(trackai.campaign_of(c.utm_campaign), '(none)'), '(macro)') COLLATE "C",
        (
            SELECT coalesce(a.campaign_id, n.name)
            FROM trackai.ad_campaign_names n
            LEFT JOIN LATERAL (
                SELECT x.campaign_id
                FROM trackai.campaign_aliases x
                WHERE x.tenant_id = c.tenant_id AND x.source IN (c.source, '') AND x.alias = n.name
                ORDER BY x.source DESC
                LIMIT 1
            ) a ON true
            WHERE n.tenant_id = c.tenant_id AND n.source = c.source AND n.campaign_id = c.campaign_id
              AND EXISTS (
                  SELECT
                  FROM trackai.campaigns k
                  WHERE k.tenant_id = c.tenant_id AND k.campaign_id IN (n.name, a.campaign_id) AND k.clicked
              )
            ORDER BY n.first_stated_at, n.name
            LIMIT 1
        ),
        c.campaign_id
    ) AS campaign_id
    FROM (SELECT DISTINCT s.tenant_id, s.source, s.campaign_id, s.utm_campaign FROM pg_temp.staged_ad_costs s) c
) j
WHERE NOT EXISTS (
    SELECT FROM trackai.campaigns k WHERE k.tenant_id = j.tenant_id AND k.campaign_id = j.campaign_id
)
ORDER BY j.tenant_id, j.campaign_id
ON CONFLICT DO NOTHING
