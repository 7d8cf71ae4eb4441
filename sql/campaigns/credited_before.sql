-- What the stored journeys of some UTC days credit to each campaign, by currency and model.
-- Indexes: the primary keys of conversion_touchpoints' partitions and of conversions.
SELECT v.campaign_id, v.currency, v.model, coalesce(sum(v.revenue), 0) AS revenue, count(*) AS touches
FROM trackai.v_conversion_credits v
WHERE v.tenant_id = %(tenant_id)s AND v.day BETWEEN %(from_day)s AND %(to_day)s
GROUP BY v.campaign_id, v.currency, v.model
