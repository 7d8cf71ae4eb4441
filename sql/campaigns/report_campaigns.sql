-- What each campaign of a tenant cost, sold and claimed over the UTC days %(from_day)s to %(to_day)s, both included. Amounts
-- are NULL where that of a day is unknown, or the days have several currencies.
-- Indexes: campaign_analytics_daily_by_date, the days' partitions of conversion_touchpoints, dispatch_attempts_by_conversion
-- and past_deliveries' primary key.
SELECT d.name, d.currency, d.spend, d.impressions, d.ad_clicks, d.unique_clicks, d.sales, d.revenue, d.claimed,
       coalesce(s.sent, 0) AS sent
FROM (
    SELECT a.campaign_id AS name,
           CASE WHEN count(DISTINCT a.currency) = 1 THEN min(a.currency) END AS currency,
           CASE WHEN count(DISTINCT a.currency) < 2 AND bool_and(a.spend IS NOT NULL OR a.cost_basis = 'none')
               THEN sum(a.spend) END AS spend,
           CASE WHEN bool_or(a.cost_basis <> 'none') THEN sum(a.impressions)::bigint END AS impressions,
           sum(a.ad_clicks)::bigint AS ad_clicks,
           sum(a.unique_clicks)::bigint AS unique_clicks,
           sum(a.conversions) AS sales,
           CASE WHEN count(DISTINCT a.currency) < 2 AND bool_and(a.revenue IS NOT NULL) THEN sum(a.revenue) END AS revenue,
           sum(a.platform_conversions) AS claimed
    FROM trackai.campaign_analytics_daily a
    WHERE a.tenant_id = %(tenant_id)s AND a.date BETWEEN %(from_day)s AND %(to_day)s
    GROUP BY a.campaign_id
) d
LEFT JOIN (
    SELECT p.campaign_id, sum(p.sent)::bigint AS sent
    FROM trackai.v_platform_claims p
    WHERE p.tenant_id = %(tenant_id)s AND p.date BETWEEN %(from_day)s AND %(to_day)s
    GROUP BY p.campaign_id
) s ON s.campaign_id = d.name
