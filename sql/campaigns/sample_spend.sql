-- What a tenant's campaigns cost on some UTC days, by currency. Index: campaign_daily_money's primary key.
SELECT d.campaign_id, d.currency, sum(d.spend) AS spend
FROM trackai.campaign_daily_money d
WHERE d.tenant_id = %(tenant_id)s AND d.date BETWEEN %(from_day)s AND %(to_day)s AND d.spend IS NOT NULL
GROUP BY d.campaign_id, d.currency
