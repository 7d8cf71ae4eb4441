-- The least that evaluating everybody could cost: the same four sums a creator over the same rows, with one window for all.
SELECT count(*) FROM (
    SELECT d.user_id,
           sum(d.amount) FILTER (WHERE d.currency = 'BRL' AND d.sale_day >= '2025-12-01') AS kept_sales,
           sum(d.units) FILTER (WHERE d.sale_day >= '2025-12-01') AS kept_units,
           sum(d.amount) FILTER (WHERE d.currency = 'BRL' AND d.sale_day >= '2025-11-15') AS climbed_sales,
           sum(d.units) FILTER (WHERE d.sale_day >= '2025-11-15') AS climbed_units
    FROM trackai.creator_sales_daily d
    WHERE d.tenant_id = 'cm2loyal00000000000000000' AND d.sale_day < '2026-03-01'
    GROUP BY d.user_id
) AS g
WHERE g.kept_sales > 0 AND g.kept_units > 0 AND g.climbed_sales > 0 AND g.climbed_units > 0
