-- What a tenant's campaigns cost from %(from_day)s to %(to_day)s (UTC) that not one click arrived for on these days, by
-- platform and currency, the dearest first; with every name that the platform's campaign was stated with.
-- Indexes: the unique key of ad_cost_statements, clicks_by_day, the primary key of ad_campaign_names.
SELECT s.source, s.platform_campaign_id, s.campaign_id, s.currency, s.spend, s.last_day,
       ARRAY(
           SELECT n.name
           FROM trackai.ad_campaign_names n
           WHERE n.tenant_id = %(tenant_id)s AND n.source = s.source AND n.campaign_id = s.platform_campaign_id
           ORDER BY n.first_stated_at, n.name
       ) AS names
FROM (
    SELECT v.source, v.platform_campaign_id, v.campaign_id, v.currency, sum(v.spend) AS spend, max(v.date) AS last_day
    FROM trackai.v_counted_ad_costs v
    WHERE v.tenant_id = %(tenant_id)s AND v.day BETWEEN %(from_day)s::date - 1 AND %(to_day)s::date + 1
      AND v.date BETWEEN %(from_day)s AND %(to_day)s
    GROUP BY v.source, v.platform_campaign_id, v.campaign_id, v.currency
    HAVING sum(v.spend) > 0
) s
WHERE NOT EXISTS (
    SELECT
    FROM trackai.click_campaigns k
    WHERE k.tenant_id = %(tenant_id)s AND k.campaign_id = s.campaign_id
      AND k.created_at >= %(from_day)s::date::timestamp AT TIME ZONE 'UTC'
      AND k.created_at < (%(to_day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
)
ORDER BY s.spend DESC, s.source, s.platform_campaign_id, s.currency
