-- Puts a tenant with %(creators)s creators there, in their windows since some day of the last four months, and 15 days of
-- sales each within these months; whatever else there is of loyalty is taken away.
WITH known AS (
    INSERT INTO trackai.users (tenant_id, id)
    SELECT 'cm2loyal00000000000000000', 'user-' || lpad(n::text, 8, '0') FROM generate_series(0, %(creators)s::bigint - 1) n
),
members AS (
    INSERT INTO trackai.loyalty_members
        (tenant_id, user_id, enrolled_on, current_tier, anchor_day, window_start, window_end, climb_start, evaluated_day)
    SELECT 'cm2loyal00000000000000000', 'user-' || lpad(n::text, 8, '0'), w.starts, 'tier_1', w.starts, w.starts,
           (w.starts + interval '4 months')::date, w.starts, w.starts
    FROM generate_series(0, %(creators)s::bigint - 1) n
    CROSS JOIN LATERAL (SELECT %(day)s::date - 1 - ((n * 7919) %% 119)::int AS starts) w
)
INSERT INTO trackai.creator_sales_daily (tenant_id, user_id, sale_day, currency, source, amount, units)
SELECT 'cm2loyal00000000000000000', 'user-' || lpad(n::text, 8, '0'), %(day)s::date - 2 - (s * 8 + (n * 31) %% 8)::int, 'BRL',
       'csv', 5 + (n * 17 + s * 13) %% 90, 1
FROM generate_series(0, %(creators)s::bigint - 1) n
CROSS JOIN generate_series(0, 14) s
