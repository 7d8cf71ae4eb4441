-- The sums of a creator of `chosen`, read for one after the other: of the window, and of the climb, up to the day before.
-- Index: the primary key of the daily sales, by tenant, user and day. Comparing rows keeps a plan from reading all
-- creators' sales of the days for each of them, which old statistics can make look cheap.
SELECT c.user_id,
       sum(d.amount) FILTER (WHERE d.currency = %(currency)s AND d.sale_day >= c.window_start) AS kept_sales,
       sum(d.units) FILTER (WHERE d.sale_day >= c.window_start) AS kept_units,
       sum(d.amount) FILTER (WHERE d.currency = %(currency)s AND d.sale_day >= c.climb_from) AS climbed_sales,
       sum(d.units) FILTER (WHERE d.sale_day >= c.climb_from) AS climbed_units
FROM {sales} d
WHERE d.tenant_id = %(tenant_id)s
  AND (d.user_id, d.sale_day) >= (c.user_id, least(c.window_start, c.climb_from))
  AND (d.user_id, d.sale_day) < (c.user_id, %(day)s::date)
