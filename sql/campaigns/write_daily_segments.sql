-- Writes campaign_analytics_segments of a tenant's UTC day from pg_temp.day_sales and pg_temp.sale_segments, and removes
-- rows that nothing is left of.
-- Indexes: campaign_analytics_segments' unique key and campaign_analytics_segments_by_date.
-- Guarantees: a row that is computed again keeps its id and created_at. `retention_rate` is over known buyers, and NULL
-- until 30 days have passed since the day.
WITH sums AS (
    SELECT s.campaign_id, o.segment_name,
           count(*) AS conversions,
           -- A buyer, or a sale without one, once.
           count(DISTINCT s.buyer_id) + count(*) FILTER (WHERE s.buyer_id IS NULL) AS users_count,
           sum(s.converted) AS revenue,
           bool_or(s.has_value AND s.converted IS NULL) AS unknown,
           min(s.currency) FILTER (WHERE s.has_value) AS first_currency,
           max(s.currency) FILTER (WHERE s.has_value) AS last_currency,
           count(DISTINCT s.buyer_id) FILTER (WHERE s.again_at <= s.occurred_at + interval '720 hours')
           / nullif(count(DISTINCT s.buyer_id), 0)::double precision AS retention_rate
    FROM day_sales s
    JOIN sale_segments o ON o.conversion_id = s.conversion_id
    GROUP BY s.campaign_id, o.segment_name
),
figures AS MATERIALIZED (
    SELECT s.campaign_id, s.segment_name, s.users_count, s.conversions,
           CASE WHEN y.one_currency AND NOT s.unknown THEN coalesce(s.revenue, 0) END AS revenue,
           CASE WHEN y.one_currency THEN coalesce(t.reporting_currency, s.first_currency) END AS currency,
           CASE WHEN %(day)s::date + 31 <= %(today)s::date THEN s.retention_rate END AS retention_rate
    FROM sums s
    JOIN trackai.tenants t ON t.id = %(tenant_id)s
    CROSS JOIN LATERAL (
        SELECT t.reporting_currency IS NOT NULL OR (s.first_currency = s.last_currency) IS NOT FALSE AS one_currency
    ) y
),
removed AS (
    DELETE FROM trackai.campaign_analytics_segments d
    WHERE d.tenant_id = %(tenant_id)s AND d.date = %(day)s
      -- Hashed whatever the planner knows of a day that was never analysed; NOT EXISTS may loop.
      AND (d.campaign_id, d.segment_name) NOT IN (SELECT f.campaign_id, f.segment_name FROM figures f)
)
INSERT INTO trackai.campaign_analytics_segments
    (tenant_id, campaign_id, segment_name, date, users_count, conversions, revenue, retention_rate, created_at, currency,
     computed_at)
SELECT %(tenant_id)s, f.campaign_id, f.segment_name, %(day)s::date, f.users_count, f.conversions, f.revenue,
       f.retention_rate, %(now)s, f.currency, %(now)s
FROM figures f
ORDER BY f.campaign_id, f.segment_name
ON CONFLICT (tenant_id, campaign_id, segment_name, date) DO UPDATE
SET (users_count, conversions, revenue, retention_rate, currency, computed_at) =
    (excluded.users_count, excluded.conversions, excluded.revenue, excluded.retention_rate, excluded.currency,
     excluded.computed_at)
