-- The sums of a creator of `chosen`, read for one after the other, up to the day before: from the earlier of the starts of
-- window and climb, and from the later one where these differ.
-- Index: the primary key of the daily sales, by tenant, user and day. Comparing rows keeps a plan from reading all
-- creators' sales of the days for each of them, which old statistics can make look cheap.
SELECT c.user_id,
       sum(d.amount) FILTER (WHERE d.currency = %(currency)s) AS sales,
       sum(d.units) AS units,
       sum(d.amount) FILTER (
           WHERE c.window_start <> c.climb_from AND d.sale_day >= greatest(c.window_start, c.climb_from)
             AND d.currency = %(currency)s
       ) AS later_sales,
       sum(d.units) FILTER (
           WHERE c.window_start <> c.climb_from AND d.sale_day >= greatest(c.window_start, c.climb_from)
       ) AS later_units
FROM {sales} d
WHERE d.tenant_id = %(tenant_id)s
  AND (d.user_id, d.sale_day) >= (c.user_id, least(c.window_start, c.climb_from))
  AND (d.user_id, d.sale_day) < (c.user_id, %(day)s::date)
