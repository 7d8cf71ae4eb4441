-- Figures of every campaign and day, in the order in which nights write them.
INSERT INTO trackai.campaign_analytics_daily
    (tenant_id, campaign_id, date, impressions, clicks, conversions, revenue, roi, click_through_rate, conversion_rate,
     avg_order_value, created_at, ad_clicks, unique_clicks, unique_clickers, spend, roas, currency, new_customers,
     cost_basis, computed_at)
SELECT 'years-' || t, 'campaign-' || c, '2020-01-01'::date + d, 1000 + c, 30, 3, 300.5, 50, 0.03, 0.1,
       100.1667, '2026-01-01', 33, 29, 28, 200.25, 1.5, 'BRL', 3,
       'account_day', '2026-01-01'
FROM generate_series(0, %(days)s - 1) AS d
CROSS JOIN generate_series(1, %(tenants)s) AS t
CROSS JOIN generate_series(1, %(campaigns)s) AS c
