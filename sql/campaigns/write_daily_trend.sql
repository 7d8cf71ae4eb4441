-- Writes a tenant's UTC day in campaign_trend_data from campaign_analytics_daily, and removes rows that are gone from
-- there.
-- Indexes: campaign_analytics_daily_by_date, campaign_trend_data's unique key and campaign_trend_data_by_period.
WITH removed AS (
    DELETE FROM trackai.campaign_trend_data p
    WHERE p.tenant_id = %(tenant_id)s AND p.granularity = 'daily'
      AND p.period = %(day)s::date::timestamp AT TIME ZONE 'UTC'
      AND NOT EXISTS (
          SELECT FROM trackai.campaign_analytics_daily d
          WHERE d.tenant_id = %(tenant_id)s AND d.campaign_id = p.campaign_id AND d.date = %(day)s
      )
)
INSERT INTO trackai.campaign_trend_data
    (tenant_id, campaign_id, period, granularity, views, conversions, revenue, conversion_rate, clicks, spend, currency,
     computed_at)
SELECT d.tenant_id, d.campaign_id, d.date::timestamp AT TIME ZONE 'UTC', 'daily',
       CASE WHEN d.cost_basis <> 'none' THEN d.impressions END,
       d.conversions, d.revenue, round(d.conversions::numeric / nullif(d.clicks, 0), 4), d.clicks, d.spend, d.currency,
       d.computed_at
FROM trackai.campaign_analytics_daily d
WHERE d.tenant_id = %(tenant_id)s AND d.date = %(day)s
ORDER BY d.campaign_id
ON CONFLICT (tenant_id, campaign_id, granularity, period) DO UPDATE
SET (views, conversions, revenue, conversion_rate, clicks, spend, currency, computed_at) =
    (excluded.views, excluded.conversions, excluded.revenue, excluded.conversion_rate, excluded.clicks, excluded.spend,
     excluded.currency, excluded.computed_at)
