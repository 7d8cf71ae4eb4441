-- Makes pg_temp.day_rates: how an amount of each currency of a tenant and UTC day becomes one of the tenant's reporting
-- currency, as round(amount * times / per, 4). Currencies are those of the day's sales and counted costs. A currency
-- without a rate has NULLs. Without a reporting currency every amount stays as it is.
-- A rate is that of the newest day in day - 7 .. day that has one: direct before inverse before cross over a common base
-- (the first by alphabet). Of several statements of a day and pair the tenant's own go before those of all tenants, and
-- the newest of these counts.
-- Indexes: fx_rates' primary key, conversions_by_day, the unique key of ad_cost_statements.
CREATE TEMPORARY TABLE day_rates ON COMMIT DROP AS
WITH stated AS (
    SELECT DISTINCT ON (f.day, f.base, f.quote) f.day, f.base, f.quote, f.rate
    FROM trackai.fx_rates f
    WHERE f.tenant_id IN (%(tenant_id)s, '*') AND f.day BETWEEN %(day)s::date - 7 AND %(day)s
    ORDER BY f.day, f.base, f.quote, f.tenant_id = '*', f.last_stated_at DESC, f.rate DESC, f.digest DESC
), wanted AS (
    SELECT o.currency, t.reporting_currency AS target
    FROM (
        SELECT c.currency
        FROM trackai.conversions c
        WHERE c.tenant_id = %(tenant_id)s AND c.currency IS NOT NULL
          AND c.occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
          AND c.occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
        UNION
        SELECT v.currency
        FROM trackai.v_counted_ad_costs v
        WHERE v.tenant_id = %(tenant_id)s AND v.day BETWEEN %(day)s::date - 1 AND %(day)s::date + 1
          AND v.date = %(day)s
    ) o
    JOIN trackai.tenants t ON t.id = %(tenant_id)s
), found AS (
    SELECT w.currency, s.day, 1 AS way, '' AS base, s.rate AS times, 1::numeric AS per
    FROM wanted w
    JOIN stated s ON s.base = w.currency AND s.quote = w.target
    UNION ALL
    SELECT w.currency, s.day, 2, '', 1, s.rate
    FROM wanted w
    JOIN stated s ON s.base = w.target AND s.quote = w.currency
    UNION ALL
    SELECT w.currency, s.day, 3, s.base, t.rate, s.rate
    FROM wanted w
    JOIN stated s ON s.quote = w.currency
    JOIN stated t ON t.day = s.day AND t.base = s.base AND t.quote = w.target
)
SELECT w.currency,
       CASE WHEN w.target IS NULL OR w.currency = w.target THEN 1 ELSE f.times END AS times,
       CASE WHEN w.target IS NULL OR w.currency = w.target THEN 1 ELSE f.per END AS per,
       CASE
           WHEN w.target IS NULL THEN 'as it is'
           WHEN w.currency = w.target THEN 'same of ' || %(day)s::date
           WHEN f.way = 1 THEN 'direct of ' || f.day
           WHEN f.way = 2 THEN 'inverse of ' || f.day
           WHEN f.way = 3 THEN 'cross ' || f.base || ' of ' || f.day
       END AS how
FROM wanted w
LEFT JOIN LATERAL (
    SELECT x.day, x.way, x.base, x.times, x.per
    FROM found x
    WHERE x.currency = w.currency AND w.currency <> w.target
    ORDER BY x.day DESC, x.way, x.base
    LIMIT 1
) f ON true
