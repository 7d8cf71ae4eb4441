-- Writes the rows of campaign_analytics_segments without a date: the 90 UTC days of a tenant that end with the newest
-- computed one, each buyer once. Buyers come from pg_temp.day_sales (campaigns/stage_sales_of_90_days) and
-- pg_temp.sale_segments. Removes rows that nothing is left of.
-- Indexes: campaign_analytics_daily_by_date, campaign_analytics_segments_by_date and the unique key.
-- Guarantees: conversions and revenue are sums of the days'. `retention_rate` is over known buyers with a sale that 30 days
-- have passed since.
WITH bounds AS (
    SELECT max(d.date) AS last_day, max(d.date) - 89 AS first_day
    FROM trackai.campaign_analytics_daily d
    WHERE d.tenant_id = %(tenant_id)s
),
sums AS (
    SELECT d.campaign_id, d.segment_name,
           sum(d.conversions)::bigint AS conversions,
           sum(d.revenue) AS revenue,
           bool_or(d.revenue IS NULL) AS unknown,
           count(DISTINCT d.currency) < 2 AS one_currency,
           min(d.currency) AS currency
    FROM bounds w
    JOIN trackai.campaign_analytics_segments d
        ON d.tenant_id = %(tenant_id)s AND d.date BETWEEN w.first_day AND w.last_day
    GROUP BY d.campaign_id, d.segment_name
),
buyers AS (
    SELECT s.campaign_id, o.segment_name, s.buyer_id, count(*) AS conversions, bool_or(s.again) AS again
    FROM day_sales s
    JOIN sale_segments o ON o.conversion_id = s.conversion_id
    GROUP BY s.campaign_id, o.segment_name, s.buyer_id
),
users AS (
    SELECT b.campaign_id, b.segment_name,
           sum(CASE WHEN b.buyer_id IS NULL THEN b.conversions ELSE 1 END)::bigint AS users_count,
           count(*) FILTER (WHERE b.again) / nullif(count(b.again), 0)::double precision AS retention_rate
    FROM buyers b
    GROUP BY b.campaign_id, b.segment_name
),
removed AS (
    DELETE FROM trackai.campaign_analytics_segments d
    WHERE d.tenant_id = %(tenant_id)s AND d.date IS NULL
      -- Hashed whatever the planner knows of a day that was never analysed; NOT EXISTS may loop.
      AND (d.campaign_id, d.segment_name) NOT IN (SELECT s.campaign_id, s.segment_name FROM sums s)
)
INSERT INTO trackai.campaign_analytics_segments
    (tenant_id, campaign_id, segment_name, date, users_count, conversions, revenue, retention_rate, created_at, currency,
     computed_at)
SELECT %(tenant_id)s, s.campaign_id, s.segment_name, NULL, coalesce(u.users_count, 0), s.conversions,
       CASE WHEN s.one_currency AND NOT s.unknown THEN s.revenue END, u.retention_rate, %(now)s,
       CASE WHEN s.one_currency THEN s.currency END, %(now)s
FROM sums s
LEFT JOIN users u ON u.campaign_id = s.campaign_id AND u.segment_name = s.segment_name
ORDER BY s.campaign_id, s.segment_name
ON CONFLICT (tenant_id, campaign_id, segment_name, date) DO UPDATE
SET (users_count, conversions, revenue, retention_rate, currency, computed_at) =
    (excluded.users_count, excluded.conversions, excluded.revenue, excluded.retention_rate, excluded.currency,
     excluded.computed_at)
