-- On how many of some UTC days the sales of each of a tenant's campaigns are known in its reporting currency.
-- Index: campaign_analytics_daily_by_date.
SELECT d.campaign_id, count(d.revenue) AS amounts
FROM trackai.campaign_analytics_daily d
WHERE d.tenant_id = %(tenant_id)s AND d.date BETWEEN %(from_day)s AND %(to_day)s AND d.conversions > 0
GROUP BY d.campaign_id
