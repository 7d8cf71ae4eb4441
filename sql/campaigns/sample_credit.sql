-- A tenant's sales and revenue of some UTC days by campaign, model and currency. Index: campaign_credit_daily's primary key.
SELECT d.campaign_id, d.model, d.currency, sum(d.conversions) AS conversions, sum(d.revenue) AS revenue
FROM trackai.campaign_credit_daily d
WHERE d.tenant_id = %(tenant_id)s AND d.date BETWEEN %(from_day)s AND %(to_day)s
GROUP BY d.campaign_id, d.model, d.currency
HAVING sum(d.conversions) > 0
