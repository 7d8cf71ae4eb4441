-- Writes campaign_analytics_daily of a tenant's UTC day from pg_temp.day_sales, day_clicks and day_costs, and removes rows
-- that nothing is left of. Of a day whose touches have left (%(final)s) the sales stay as they are.
-- Indexes: campaign_analytics_daily's unique key and campaign_analytics_daily_by_date, campaign_daily_money's primary key.
-- Guarantees: a row for each campaign with a click, a matched sale or a cost; a row that is computed again keeps its id
-- and created_at. Amounts are sums of single amounts, each converted and rounded by itself: one without a rate makes the
-- sum NULL. Without a reporting currency a row has its only currency, and with two no amounts.
WITH sales AS (
    SELECT s.campaign_id, count(*) AS conversions, sum(s.converted) AS revenue,
           bool_or(s.has_value AND s.converted IS NULL) AS unknown,
           count(*) FILTER (WHERE s.sale_number = 1) AS new_customers,
           count(*) FILTER (WHERE s.sale_number > 1) AS returning_customers,
           count(*) FILTER (WHERE s.sale_number IS NULL) AS unknown_customers
    FROM day_sales s
    GROUP BY s.campaign_id
    UNION ALL
    SELECT d.campaign_id, d.conversions, d.revenue, d.revenue IS NULL, d.new_customers, d.returning_customers,
           d.unknown_customers
    FROM trackai.campaign_analytics_daily d
    WHERE %(final)s AND d.tenant_id = %(tenant_id)s AND d.date = %(day)s AND d.conversions > 0
),
clicks AS (
    SELECT k.campaign_id, k.clicks, k.unique_clicks, k.unique_clickers FROM day_clicks k WHERE k.hour IS NULL
),
costs AS (
    SELECT c.campaign_id, sum(c.impressions)::bigint AS impressions, sum(c.ad_clicks)::bigint AS ad_clicks,
           sum(c.engagements)::bigint AS engagements, sum(c.platform_conversions) AS platform_conversions,
           CASE WHEN bool_and(c.converted IS NOT NULL) THEN sum(c.converted) END AS spend,
           -- One cost on the account's day is enough for the hours not to be known.
           min(c.cost_basis) AS cost_basis
    FROM day_costs c
    GROUP BY c.campaign_id
),
currencies AS (
    SELECT x.campaign_id, min(x.currency) AS only_currency, count(DISTINCT x.currency) AS currencies
    FROM (
        SELECT s.campaign_id, s.currency FROM day_sales s WHERE s.has_value
        UNION ALL
        SELECT c.campaign_id, c.currency FROM day_costs c
        UNION ALL
        SELECT m.campaign_id, m.currency
        FROM trackai.campaign_daily_money m
        WHERE %(final)s AND m.tenant_id = %(tenant_id)s AND m.date = %(day)s AND m.conversions > 0
          AND m.currency <> 'XXX'
    ) x
    GROUP BY x.campaign_id
),
amounts AS (
    SELECT n.campaign_id,
           coalesce(s.conversions, 0) AS conversions,
           coalesce(s.new_customers, 0) AS new_customers,
           coalesce(s.returning_customers, 0) AS returning_customers,
           coalesce(s.unknown_customers, 0) AS unknown_customers,
           coalesce(k.clicks, 0) AS clicks,
           coalesce(k.unique_clicks, 0) AS unique_clicks,
           coalesce(k.unique_clickers, 0) AS unique_clickers,
           coalesce(c.impressions, 0) AS impressions,
           c.ad_clicks, c.engagements, c.platform_conversions,
           coalesce(c.cost_basis, 'none') AS cost_basis,
           coalesce(t.reporting_currency, CASE WHEN y.currencies = 1 THEN y.only_currency END) AS currency,
           CASE WHEN (t.reporting_currency IS NOT NULL OR y.currencies IS NULL OR y.currencies = 1)
                     AND s.unknown IS NOT TRUE THEN coalesce(s.revenue, 0) END AS revenue,
           CASE WHEN t.reporting_currency IS NOT NULL OR y.currencies = 1 THEN c.spend END AS spend
    FROM (SELECT campaign_id FROM sales UNION SELECT campaign_id FROM clicks UNION SELECT campaign_id FROM costs) n
    JOIN trackai.tenants t ON t.id = %(tenant_id)s
    LEFT JOIN sales s ON s.campaign_id = n.campaign_id
    LEFT JOIN clicks k ON k.campaign_id = n.campaign_id
    LEFT JOIN costs c ON c.campaign_id = n.campaign_id
    LEFT JOIN currencies y ON y.campaign_id = n.campaign_id
),
figures AS MATERIALIZED (
    SELECT a.*,
           round(100 * (a.revenue - a.spend) / nullif(a.spend, 0), 2) AS roi,
           round(a.revenue / nullif(a.spend, 0), 4) AS roas,
           round(a.revenue / nullif(a.conversions, 0), 4) AS avg_order_value,
           a.conversions / nullif(a.clicks, 0)::double precision AS conversion_rate,
           a.ad_clicks / nullif(a.impressions, 0)::double precision AS click_through_rate,
           a.engagements / nullif(a.impressions, 0)::double precision AS engagement_rate
    FROM amounts a
),
removed AS (
    DELETE FROM trackai.campaign_analytics_daily d
    WHERE d.tenant_id = %(tenant_id)s AND d.date = %(day)s
      AND NOT EXISTS (SELECT FROM figures f WHERE f.campaign_id = d.campaign_id)
)
INSERT INTO trackai.campaign_analytics_daily
    (tenant_id, campaign_id, date, impressions, clicks, conversions, revenue, roi, engagement_rate, click_through_rate,
     conversion_rate, avg_order_value, created_at, ad_clicks, engagements, unique_clicks, unique_clickers, spend, roas,
     currency, new_customers, returning_customers, unknown_customers, platform_conversions, cost_basis, computed_at)
SELECT %(tenant_id)s, f.campaign_id, %(day)s::date, f.impressions, f.clicks, f.conversions, f.revenue, f.roi,
       f.engagement_rate, f.click_through_rate, f.conversion_rate, f.avg_order_value, %(now)s, f.ad_clicks,
       f.engagements, f.unique_clicks, f.unique_clickers, f.spend, f.roas, f.currency, f.new_customers,
       f.returning_customers, f.unknown_customers, f.platform_conversions, f.cost_basis, %(now)s
FROM figures f
ORDER BY f.campaign_id
ON CONFLICT (tenant_id, campaign_id, date) DO UPDATE
SET (impressions, clicks, conversions, revenue, roi, engagement_rate, click_through_rate, conversion_rate,
     avg_order_value, ad_clicks, engagements, unique_clicks, unique_clickers, spend, roas, currency, new_customers,
     returning_customers, unknown_customers, platform_conversions, cost_basis, computed_at) =
    (excluded.impressions, excluded.clicks, excluded.conversions, excluded.revenue, excluded.roi,
     excluded.engagement_rate, excluded.click_through_rate, excluded.conversion_rate, excluded.avg_order_value,
     excluded.ad_clicks, excluded.engagements, excluded.unique_clicks, excluded.unique_clickers, excluded.spend,
     excluded.roas, excluded.currency, excluded.new_customers, excluded.returning_customers,
     excluded.unknown_customers, excluded.platform_conversions, excluded.cost_basis, excluded.computed_at)
