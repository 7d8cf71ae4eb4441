-- Writes the hours of a tenant's UTC day in campaign_trend_data from pg_temp.day_sales, day_clicks and day_costs, and
-- removes hours that nothing is left of. Rows that stay as they are are not written again.
-- Indexes: campaign_trend_data's unique key, campaign_trend_data_by_period, campaign_analytics_daily_by_date.
-- Guarantees: the hours' clicks, conversions and revenue sum to the day's. Views and spend are there only where all costs
-- of the campaign's day are booked by hours, and then sum to the day's too.
WITH by_hours AS (
    SELECT d.campaign_id
    FROM trackai.campaign_analytics_daily d
    WHERE d.tenant_id = %(tenant_id)s AND d.date = %(day)s AND d.cost_basis = 'hours'
),
sums AS (
    SELECT x.campaign_id, x.hour, sum(x.clicks)::bigint AS clicks, sum(x.conversions)::bigint AS conversions,
           sum(x.revenue) AS revenue, bool_or(x.revenue IS NULL) AS revenue_unknown,
           sum(x.views)::bigint AS views, sum(x.spend) AS spend, bool_or(x.spend IS NULL) AS spend_unknown,
           count(DISTINCT x.currency) AS currencies, min(x.currency) AS only_currency
    FROM (
        SELECT s.campaign_id, s.hour, 0::bigint AS clicks, 1 AS conversions,
               CASE WHEN s.has_value THEN s.converted ELSE 0 END AS revenue, 0::bigint AS views, 0::numeric AS spend,
               CASE WHEN s.has_value THEN s.currency END AS currency
        FROM day_sales s
        UNION ALL
        SELECT k.campaign_id, k.hour, k.clicks, 0, 0, 0, 0, NULL
        FROM day_clicks k
        WHERE k.hour IS NOT NULL
        UNION ALL
        SELECT c.campaign_id, c.hour, 0, 0, 0, c.impressions, c.converted, c.currency
        FROM day_costs c
        JOIN by_hours b ON b.campaign_id = c.campaign_id
    ) x
    GROUP BY x.campaign_id, x.hour
),
figures AS MATERIALIZED (
    SELECT s.campaign_id, s.hour, s.clicks, s.conversions,
           CASE WHEN y.one_currency AND NOT s.revenue_unknown THEN s.revenue END AS revenue,
           CASE WHEN b.campaign_id IS NOT NULL THEN s.views END AS views,
           CASE WHEN b.campaign_id IS NOT NULL AND y.one_currency AND NOT s.spend_unknown THEN s.spend END AS spend,
           CASE WHEN y.one_currency THEN coalesce(t.reporting_currency, s.only_currency) END AS currency,
           round(s.conversions::numeric / nullif(s.clicks, 0), 4) AS conversion_rate
    FROM sums s
    JOIN trackai.tenants t ON t.id = %(tenant_id)s
    CROSS JOIN LATERAL (SELECT t.reporting_currency IS NOT NULL OR s.currencies < 2 AS one_currency) y
    LEFT JOIN by_hours b ON b.campaign_id = s.campaign_id
),
removed AS (
    DELETE FROM trackai.campaign_trend_data h
    WHERE h.tenant_id = %(tenant_id)s AND h.granularity = 'hourly'
      AND h.period >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
      AND h.period < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
      -- Hashed whatever the planner knows of a day that was never analysed; NOT EXISTS may loop.
      AND (h.campaign_id, h.period) NOT IN (SELECT f.campaign_id, f.hour FROM figures f)
)
INSERT INTO trackai.campaign_trend_data AS p
    (tenant_id, campaign_id, period, granularity, views, conversions, revenue, conversion_rate, clicks, spend, currency,
     computed_at)
SELECT %(tenant_id)s, f.campaign_id, f.hour, 'hourly', f.views, f.conversions, f.revenue, f.conversion_rate, f.clicks,
       f.spend, f.currency, %(now)s
FROM figures f
ORDER BY f.campaign_id, f.hour
ON CONFLICT (tenant_id, campaign_id, granularity, period) DO UPDATE
SET (views, conversions, revenue, conversion_rate, clicks, spend, currency, computed_at) =
    (excluded.views, excluded.conversions, excluded.revenue, excluded.conversion_rate, excluded.clicks, excluded.spend,
     excluded.currency, excluded.computed_at)
WHERE (p.views, p.conversions, p.revenue, p.conversion_rate, p.clicks, p.spend, p.currency)
      IS DISTINCT FROM
      (excluded.views, excluded.conversions, excluded.revenue, excluded.conversion_rate, excluded.clicks, excluded.spend,
       excluded.currency)
