-- Sales, buyers, costs and clicks of each of a tenant's campaigns in the UTC days %(from_day)s to %(to_day)s, from what
-- was computed of the days. Clicks that arrived are compared with those that the platform counted only on days on which
-- it counted. Costs are by currency, as they were.
-- Indexes: the primary key of campaign_daily_money, campaign_analytics_daily_by_date.
WITH money AS (
    SELECT m.campaign_id,
           sum(m.conversions)::bigint AS conversions,
           sum(m.new_customers)::bigint AS new_customers,
           sum(m.returning_customers)::bigint AS returning_customers
    FROM trackai.campaign_daily_money m
    WHERE m.tenant_id = %(tenant_id)s AND m.date BETWEEN %(from_day)s AND %(to_day)s
    GROUP BY m.campaign_id
),
spent AS (
    SELECT s.campaign_id, jsonb_object_agg(s.currency, s.spend) AS spend
    FROM (
        SELECT m.campaign_id, m.currency, sum(m.spend) AS spend
        FROM trackai.campaign_daily_money m
        WHERE m.tenant_id = %(tenant_id)s AND m.date BETWEEN %(from_day)s AND %(to_day)s
        GROUP BY m.campaign_id, m.currency
        HAVING sum(m.spend) > 0
    ) s
    GROUP BY s.campaign_id
),
arrived AS (
    SELECT d.campaign_id,
           sum(d.clicks)::bigint AS clicks,
           (sum(d.unique_clicks) FILTER (WHERE d.ad_clicks IS NOT NULL))::bigint AS arrived,
           sum(d.ad_clicks)::bigint AS ad_clicks
    FROM trackai.campaign_analytics_daily d
    WHERE d.tenant_id = %(tenant_id)s AND d.date BETWEEN %(from_day)s AND %(to_day)s
    GROUP BY d.campaign_id
)
SELECT c.campaign_id,
       coalesce(m.conversions, 0) AS conversions,
       coalesce(m.new_customers, 0) AS new_customers,
       coalesce(m.returning_customers, 0) AS returning_customers,
       coalesce(s.spend, '{}') AS spend,
       coalesce(a.clicks, 0) AS clicks,
       coalesce(a.arrived, 0) AS arrived,
       coalesce(a.ad_clicks, 0) AS ad_clicks
FROM trackai.campaigns c
LEFT JOIN money m ON m.campaign_id = c.campaign_id
LEFT JOIN spent s ON s.campaign_id = c.campaign_id
LEFT JOIN arrived a ON a.campaign_id = c.campaign_id
WHERE c.tenant_id = %(tenant_id)s AND coalesce(m.campaign_id, s.campaign_id, a.campaign_id) IS NOT NULL
