-- The sums of all creators in one pass over the daily sales, up to the day before: from the earlier of the starts of window
-- and climb, and from the later one where these differ. No index: most rows are read.
SELECT c.user_id,
       sum(d.amount) FILTER (WHERE d.currency = %(currency)s) AS sales,
       sum(d.units) AS units,
       sum(d.amount) FILTER (WHERE c.window_start <> c.climb_from AND d.sale_day >= c.later AND d.currency = %(currency)s)
           AS later_sales,
       sum(d.units) FILTER (WHERE c.window_start <> c.climb_from AND d.sale_day >= c.later) AS later_units
FROM (
    SELECT a.user_id, a.window_start, f.climb_from, least(a.window_start, f.climb_from) AS earlier,
           greatest(a.window_start, f.climb_from) AS later
    FROM {creators} a
    CROSS JOIN LATERAL (
        SELECT greatest(a.climb_start, (%(day)s::date - make_interval(months => %(months)s::int))::date) AS climb_from
    ) AS f
    WHERE a.tenant_id = %(tenant_id)s
) AS c
JOIN {sales} d ON d.user_id = c.user_id AND d.sale_day >= c.earlier
WHERE d.tenant_id = %(tenant_id)s AND d.sale_day < %(day)s::date
GROUP BY c.user_id
