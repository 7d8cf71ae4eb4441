-- What each campaign of all tenants, or of the one with this slug, cost, sold and claimed on the UTC days %(first)s to
-- %(last)s, the dearest first. Amounts are in the tenant's reporting currency, and NULL where that of a day is not known.
-- Indexes: campaign_analytics_daily_by_date once a tenant; of v_platform_claims the days' partitions of
-- conversion_touchpoints, dispatch_attempts_by_conversion and past_deliveries' primary key.
SELECT t.slug, t.name AS tenant, d.name, d.currency, d.spend, d.impressions, d.ad_clicks, d.unique_clicks, d.sales,
       d.revenue, d.claimed, d.sent
FROM trackai.tenants t
CROSS JOIN LATERAL (
    SELECT c.*, coalesce(s.sent, 0) AS sent
    FROM (
        SELECT a.campaign_id AS name,
               CASE WHEN count(DISTINCT a.currency) = 1 THEN min(a.currency) END AS currency,
               CASE WHEN count(DISTINCT a.currency) < 2 AND bool_and(a.spend IS NOT NULL OR a.cost_basis = 'none')
                   THEN sum(a.spend) END AS spend,
               CASE WHEN bool_or(a.cost_basis <> 'none') THEN sum(a.impressions)::bigint END AS impressions,
               sum(a.ad_clicks)::bigint AS ad_clicks,
               sum(a.unique_clicks)::bigint AS unique_clicks,
               sum(a.conversions)::bigint AS sales,
               CASE WHEN count(DISTINCT a.currency) < 2 AND bool_and(a.revenue IS NOT NULL OR a.conversions = 0)
                   THEN sum(a.revenue) END AS revenue,
               sum(a.platform_conversions) AS claimed
        FROM trackai.campaign_analytics_daily a
        WHERE a.tenant_id = t.id AND a.date BETWEEN %(first)s AND %(last)s
        GROUP BY a.campaign_id
    ) c
    LEFT JOIN (
        SELECT p.campaign_id, sum(p.sent)::bigint AS sent
        FROM trackai.v_platform_claims p
        WHERE p.tenant_id = t.id AND p.date BETWEEN %(first)s AND %(last)s
        GROUP BY p.campaign_id
    ) s ON s.campaign_id = c.name
) d
WHERE %(tenant)s::text IS NULL OR t.slug = %(tenant)s
ORDER BY t.slug, d.spend DESC NULLS LAST, d.sales DESC, d.name
