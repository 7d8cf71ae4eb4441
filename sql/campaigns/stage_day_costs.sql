-- Collects the costs that count on a tenant's UTC day, each row in the reporting currency too, into pg_temp.day_costs.
-- Index: the unique key of ad_cost_statements: an account's day is at most a day away from the UTC day.
-- Guarantees: `converted` is NULL where there is no rate.
CREATE TEMPORARY TABLE day_costs ON COMMIT DROP AS
SELECT v.campaign_id,
       v.currency,
       v.spend,
       round(v.spend * r.times / r.per, 4) AS converted,
       v.impressions,
       v.ad_clicks,
       v.engagements,
       v.platform_conversions,
       v.cost_basis,
       date_trunc('hour', v.hour_start, 'UTC') AS hour
FROM trackai.v_counted_ad_costs v
LEFT JOIN day_rates r ON r.currency::text = v.currency::text
WHERE v.tenant_id = %(tenant_id)s
  AND v.day BETWEEN %(day)s::date - 1 AND %(day)s::date + 1
  AND v.date = %(day)s
