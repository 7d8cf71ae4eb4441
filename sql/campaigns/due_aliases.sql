-- The UTC days of a tenant before %(before)s with clicks, touches or costs of a name that an alias was made for after they
-- were computed. Reads all clicks and costs of the tenant, because neither has an index by name: only for aliases made
-- since %(since)s.
-- Indexes: campaign_aliases' primary key, the partitions of conversion_touchpoints from the first of these clicks on,
-- campaign_analytics_daily_by_date.
WITH made AS MATERIALIZED (
    SELECT a.source, a.alias, a.created_at
    FROM trackai.campaign_aliases a
    WHERE a.tenant_id = %(tenant_id)s AND a.created_at > %(since)s
),
named AS MATERIALIZED (
    SELECT k.id, k.created_at, m.created_at AS made_at
    FROM made m
    JOIN trackai.clicks k
        ON k.tenant_id = %(tenant_id)s AND trackai.trimmed(k.utm_campaign) = m.alias
       AND m.source IN ('', lower(trackai.trimmed(k.utm_source)))
),
found AS (
    SELECT (n.created_at AT TIME ZONE 'UTC')::date AS day, n.made_at FROM named n
    UNION ALL
    SELECT t.day, n.made_at
    FROM trackai.conversion_touchpoints t
    JOIN named n ON n.id = t.click_id
    WHERE t.tenant_id = %(tenant_id)s
      AND t.day >= (SELECT (min(f.created_at) AT TIME ZONE 'UTC')::date - 1 FROM named f)
    UNION ALL
    SELECT coalesce((v.hour_start AT TIME ZONE 'UTC')::date, v.day), m.created_at
    FROM made m
    JOIN trackai.ad_costs v
        ON v.tenant_id = %(tenant_id)s AND m.source IN ('', v.source)
       AND (
           v.campaign_id = m.alias
           OR trackai.trimmed(v.utm_campaign) = m.alias
           OR EXISTS (
               SELECT
               FROM trackai.ad_campaign_names c
               WHERE c.tenant_id = v.tenant_id AND c.source = v.source AND c.campaign_id = v.campaign_id
                 AND c.name = m.alias
           )
       )
)
SELECT x.day
FROM (SELECT f.day, max(f.made_at) AS made_at FROM found f WHERE f.day < %(before)s GROUP BY f.day) x
CROSS JOIN LATERAL (
    SELECT min(d.computed_at) AS computed_at
    FROM trackai.campaign_analytics_daily d
    WHERE d.tenant_id = %(tenant_id)s AND d.date = x.day
) k
WHERE x.made_at > coalesce(k.computed_at - %(margin)s, '-infinity')
