-- The costs of a tenant that count in the UTC days %(from_day)s to %(to_day)s, as they were stated last.
-- Index: the unique key of ad_cost_statements. A UTC day lies in three days of the accounts.
SELECT c.date, c.campaign_id, c.source, c.account_id, c.platform_campaign_id, c.adset_id, c.ad_id, c.day, c.hour,
       c.hour_start, c.currency, c.spend, c.impressions, c.ad_clicks, c.engagements, c.platform_conversions,
       c.platform_conversion_value, c.cost_basis, c.last_stated_at
FROM trackai.v_counted_ad_costs c
WHERE c.tenant_id = %(tenant_id)s
  AND c.day BETWEEN %(from_day)s::date - 1 AND %(to_day)s::date + 1
  AND c.date BETWEEN %(from_day)s AND %(to_day)s
ORDER BY c.date, c.campaign_id, c.source, c.account_id, c.platform_campaign_id, c.adset_id, c.ad_id, c.day, c.hour
