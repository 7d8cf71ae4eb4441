-- Writes campaign_daily_money of a tenant's UTC day from pg_temp.day_sales and pg_temp.day_costs, and removes rows that
-- nothing is left of. Of a day whose touches have left (%(final)s) the sales stay as they are.
-- Index: campaign_daily_money's primary key.
WITH figures AS MATERIALIZED (
    SELECT x.campaign_id, x.currency,
           sum(x.conversions)::bigint AS conversions,
           sum(x.revenue) AS revenue,
           sum(x.spend) AS spend,
           sum(x.new_customers)::bigint AS new_customers,
           sum(x.returning_customers)::bigint AS returning_customers,
           sum(x.unknown_customers)::bigint AS unknown_customers,
           sum(x.new_customer_revenue) AS new_customer_revenue
    FROM (
        SELECT s.campaign_id, s.currency, 1 AS conversions, s.value AS revenue, NULL::numeric AS spend,
               (s.sale_number IS NOT DISTINCT FROM 1)::integer AS new_customers,
               (s.sale_number > 1 IS TRUE)::integer AS returning_customers,
               (s.sale_number IS NULL)::integer AS unknown_customers,
               CASE WHEN s.sale_number = 1 THEN s.value ELSE 0 END AS new_customer_revenue
        FROM day_sales s
        UNION ALL
        SELECT c.campaign_id, c.currency, 0, 0, c.spend, 0, 0, 0, 0
        FROM day_costs c
        UNION ALL
        SELECT m.campaign_id, m.currency, m.conversions, m.revenue, NULL, m.new_customers, m.returning_customers,
               m.unknown_customers, m.new_customer_revenue
        FROM trackai.campaign_daily_money m
        WHERE %(final)s AND m.tenant_id = %(tenant_id)s AND m.date = %(day)s AND m.conversions > 0
    ) x
    GROUP BY x.campaign_id, x.currency
),
removed AS (
    DELETE FROM trackai.campaign_daily_money m
    WHERE m.tenant_id = %(tenant_id)s AND m.date = %(day)s
      AND NOT EXISTS (SELECT FROM figures f WHERE f.campaign_id = m.campaign_id AND f.currency = m.currency)
)
INSERT INTO trackai.campaign_daily_money
    (tenant_id, date, campaign_id, currency, conversions, revenue, spend, new_customers, returning_customers,
     unknown_customers, new_customer_revenue, computed_at)
SELECT %(tenant_id)s, %(day)s::date, f.campaign_id, f.currency, f.conversions, f.revenue, f.spend, f.new_customers,
       f.returning_customers, f.unknown_customers, f.new_customer_revenue, %(now)s
FROM figures f
ON CONFLICT (tenant_id, date, campaign_id, currency) DO UPDATE
SET (conversions, revenue, spend, new_customers, returning_customers, unknown_customers, new_customer_revenue,
     computed_at) =
    (excluded.conversions, excluded.revenue, excluded.spend, excluded.new_customers, excluded.returning_customers,
     excluded.unknown_customers, excluded.new_customer_revenue, excluded.computed_at)
