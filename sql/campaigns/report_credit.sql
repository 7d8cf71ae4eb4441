-- What a model credits each campaign, or channel, of a tenant with over UTC days of sales. Revenue is NULL where it is in
-- several currencies.
-- Index: campaign_credit_daily's primary key.
SELECT CASE WHEN %(by)s = 'channel' THEN c.channel ELSE c.campaign_id END AS name,
       CASE WHEN count(DISTINCT x.currency) = 1 THEN min(x.currency) END AS currency,
       sum(c.conversions) AS sales,
       CASE WHEN count(DISTINCT x.currency) < 2 THEN sum(c.revenue) END AS revenue
FROM trackai.campaign_credit_daily c
CROSS JOIN LATERAL (SELECT nullif(c.currency, 'XXX') AS currency) x
WHERE c.tenant_id = %(tenant_id)s AND c.date BETWEEN %(from_day)s AND %(to_day)s AND c.model = %(model)s
GROUP BY 1
