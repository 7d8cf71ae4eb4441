-- The daily figures of a tenant's campaigns in the UTC days %(from_day)s to %(to_day)s.
-- Index: campaign_analytics_daily_by_date.
SELECT d.date, d.campaign_id, d.impressions, d.ad_clicks, d.engagements, d.clicks, d.unique_clicks, d.unique_clickers,
       d.conversions, d.new_customers, d.returning_customers, d.unknown_customers, d.currency, d.revenue, d.spend,
       d.roas, d.roi, d.avg_order_value, d.conversion_rate, d.click_through_rate, d.engagement_rate,
       d.platform_conversions, d.cost_basis
FROM trackai.campaign_analytics_daily d
WHERE d.tenant_id = %(tenant_id)s AND d.date BETWEEN %(from_day)s AND %(to_day)s
ORDER BY d.date, d.campaign_id
