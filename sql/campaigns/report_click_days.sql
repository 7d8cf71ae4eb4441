-- What a model credits each campaign, or channel, of a tenant with for the clicks of UTC days, whenever they led to sales.
-- Revenue is NULL where it is in several currencies.
-- Indexes: the partitions of conversion_touchpoints, read for the tenant, because sales follow clicks of other days.
SELECT CASE WHEN %(by)s = 'channel' THEN c.channel ELSE c.campaign_id END AS name,
       CASE WHEN count(DISTINCT x.currency) = 1 THEN min(x.currency) END AS currency,
       sum(c.conversions) AS sales,
       CASE WHEN count(DISTINCT x.currency) < 2 THEN sum(c.revenue) END AS revenue
FROM trackai.v_campaign_credit_by_click_day c
CROSS JOIN LATERAL (SELECT nullif(c.currency, 'XXX') AS currency) x
WHERE c.tenant_id = %(tenant_id)s AND c.date BETWEEN %(from_day)s AND %(to_day)s AND c.model = %(model)s
GROUP BY 1
