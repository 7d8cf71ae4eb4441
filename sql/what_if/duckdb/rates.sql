-- Match rates of each tenant, UTC day, gateway and currency, for DuckDB: the columns of trackai.daily_match_rates.
-- Guarantees: every conversion is counted once; an undecided conversion is pending.
SELECT c.tenant_id,
       CAST(c.occurred_at AT TIME ZONE 'UTC' AS DATE) AS day,
       c.gateway,
       c.currency,
       count(*) AS conversions,
       count(*) FILTER (WHERE d.strategy = 'fbc') AS fbc,
       count(*) FILTER (WHERE d.strategy = 'fbp') AS fbp,
       count(*) FILTER (WHERE d.strategy = 'email') AS email,
       count(*) FILTER (WHERE d.strategy = 'unmatched') AS unmatched,
       count(*) FILTER (WHERE d.strategy IS NULL) AS pending,
       coalesce(sum(CAST(c.value AS DECIMAL(18, 4))), 0) AS value_total,
       coalesce(sum(CAST(c.value AS DECIMAL(18, 4))) FILTER (WHERE d.strategy <> 'unmatched'), 0) AS value_matched,
       quantile_cont(epoch_us(d.matched_at) - epoch_us(c.created_at), 0.95) / 1e6 AS p95_match_seconds
FROM conversions c
LEFT JOIN decided d ON d.tenant_id = c.tenant_id AND d.conversion_id = c.id
GROUP BY ALL
ORDER BY ALL
