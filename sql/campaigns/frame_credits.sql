-- What each touch deserves of the sales of a tenant in the UTC days %(from_day)s to %(to_day)s, under one model or (NULL)
-- all. Index: the primary key of conversion_touchpoints in the days' partitions.
SELECT c.day, c.conversion_id, c.position, c.click_id, c.clicked_at, c.campaign_id, c.channel, c.via, c.model, c.credit,
       c.currency, c.revenue
FROM trackai.v_conversion_credits c
WHERE c.tenant_id = %(tenant_id)s
  AND c.day BETWEEN %(from_day)s AND %(to_day)s
  AND (%(model)s::text IS NULL OR c.model = %(model)s)
ORDER BY c.day, c.conversion_id, c.model, c.position
