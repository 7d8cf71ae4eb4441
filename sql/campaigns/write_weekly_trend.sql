-- Writes the ISO week of a tenant's UTC day in campaign_trend_data from the week's daily rows, and removes rows that
-- nothing is left of. The caller holds the tenant's lock, so no other day of the week is being written.
-- Indexes: campaign_trend_data_by_period, campaign_trend_data's unique key.
-- Guarantees: clicks and conversions are sums of the days', and so are amounts; one unknown amount, or two currencies,
-- make them NULL.
WITH bounds AS (
    SELECT date_trunc('week', %(day)s::date::timestamp) AT TIME ZONE 'UTC' AS monday
),
sums AS (
    SELECT d.campaign_id,
           sum(d.views)::bigint AS views,
           sum(d.conversions)::bigint AS conversions,
           sum(d.clicks)::bigint AS clicks,
           sum(d.revenue) AS revenue,
           bool_or(d.revenue IS NULL) AS revenue_unknown,
           sum(d.spend) AS spend,
           -- A day without costs has no views either, and adds nothing.
           bool_or(d.spend IS NULL AND d.views IS NOT NULL) AS spend_unknown,
           count(DISTINCT d.currency) < 2 AS one_currency,
           min(d.currency) AS currency
    FROM bounds b
    JOIN trackai.campaign_trend_data d
        ON d.tenant_id = %(tenant_id)s AND d.granularity = 'daily'
       AND d.period >= b.monday AND d.period < b.monday + interval '168 hours'
    GROUP BY d.campaign_id
),
removed AS (
    DELETE FROM trackai.campaign_trend_data p
    USING bounds b
    WHERE p.tenant_id = %(tenant_id)s AND p.granularity = 'weekly' AND p.period = b.monday
      AND NOT EXISTS (SELECT FROM sums s WHERE s.campaign_id = p.campaign_id)
)
INSERT INTO trackai.campaign_trend_data
    (tenant_id, campaign_id, period, granularity, views, conversions, revenue, conversion_rate, clicks, spend, currency,
     computed_at)
SELECT %(tenant_id)s, s.campaign_id, b.monday, 'weekly', s.views, s.conversions,
       CASE WHEN s.one_currency AND NOT s.revenue_unknown THEN s.revenue END,
       round(s.conversions::numeric / nullif(s.clicks, 0), 4), s.clicks,
       CASE WHEN s.one_currency AND NOT s.spend_unknown THEN s.spend END,
       CASE WHEN s.one_currency THEN s.currency END,
       %(now)s
FROM sums s
CROSS JOIN bounds b
ORDER BY s.campaign_id
ON CONFLICT (tenant_id, campaign_id, granularity, period) DO UPDATE
SET (views, conversions, revenue, conversion_rate, clicks, spend, currency, computed_at) =
    (excluded.views, excluded.conversions, excluded.revenue, excluded.conversion_rate, excluded.clicks, excluded.spend,
     excluded.currency, excluded.computed_at)
