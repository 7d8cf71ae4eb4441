-- The sums of all creators in `chosen` in one pass over the daily sales: of the window, and of the climb, up to the day
-- before. No index: most rows are read.
SELECT c.user_id,
       sum(d.amount) FILTER (WHERE d.currency = %(currency)s AND d.sale_day >= c.window_start) AS kept_sales,
       sum(d.units) FILTER (WHERE d.sale_day >= c.window_start) AS kept_units,
       sum(d.amount) FILTER (WHERE d.currency = %(currency)s AND d.sale_day >= c.climb_from) AS climbed_sales,
       sum(d.units) FILTER (WHERE d.sale_day >= c.climb_from) AS climbed_units
FROM chosen c
JOIN {sales} d ON d.user_id = c.user_id AND d.sale_day >= least(c.window_start, c.climb_from)
WHERE d.tenant_id = %(tenant_id)s AND d.sale_day < %(day)s::date
GROUP BY c.user_id
