-- Where a creator stands in the tables of a course or the program's own, with the sums of the window and of the climb before
-- a day. Index: the primary keys, by tenant and user.
WITH chosen AS (
    SELECT c.user_id, c.current_tier, c.anchor_day, c.window_start, c.window_end, c.in_grace,
           greatest(c.climb_start, (%(day)s::date - make_interval(months => %(months)s::int))::date) AS climb_from
    FROM {creators} c
    WHERE c.tenant_id = %(tenant_id)s AND c.user_id = %(user_id)s AND c.current_tier IS NOT NULL
)
SELECT c.current_tier, c.anchor_day, c.window_start, c.window_end, c.in_grace,
       coalesce(CASE WHEN c.climb_from < c.window_start THEN s.later_sales ELSE s.sales END, 0) AS kept_sales,
       coalesce(CASE WHEN c.climb_from < c.window_start THEN s.later_units ELSE s.units END, 0) AS kept_units,
       coalesce(CASE WHEN c.climb_from > c.window_start THEN s.later_sales ELSE s.sales END, 0) AS climbed_sales,
       coalesce(CASE WHEN c.climb_from > c.window_start THEN s.later_units ELSE s.units END, 0) AS climbed_units
FROM chosen c
LEFT JOIN {sums} s ON s.user_id = c.user_id
