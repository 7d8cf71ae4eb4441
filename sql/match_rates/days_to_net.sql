-- The UTC days before %(today)s whose match rates give other refunds than the facts do, e.g. because a refund arrived or
-- was linked after the day was computed. Reads all linked refunds and their sales once; for the night, not for requests.
-- Indexes: refunds_by_conversion, conversions' primary key; daily_match_rates is scanned.
-- Guarantees: compares what is there, so it misses no change, whoever made it; a day that was never computed counts.
WITH of_sales AS (
    SELECT c.tenant_id, c.id, c.gateway, c.currency, (c.occurred_at AT TIME ZONE 'UTC')::date AS day,
           count(*) AS refunds, least(sum(r.value), coalesce(c.value, 0)) AS refunded
    FROM trackai.refunds r
    JOIN trackai.conversions c ON c.tenant_id = r.tenant_id AND c.id = r.conversion_id
    WHERE r.currency = c.currency
    GROUP BY c.tenant_id, c.id
),
facts AS (
    SELECT s.tenant_id, s.day, s.gateway, s.currency, sum(s.refunds) AS refunds, sum(s.refunded) AS refunded
    FROM of_sales s
    WHERE s.day < %(today)s
    GROUP BY 1, 2, 3, 4
),
computed AS (
    SELECT r.tenant_id, r.day, r.gateway, r.currency, r.refunds, r.refunded_total
    FROM trackai.daily_match_rates r
    WHERE r.refunds > 0 AND r.day < %(today)s
)
SELECT DISTINCT coalesce(f.day, c.day) AS day
FROM facts f
FULL JOIN computed c
    ON c.tenant_id = f.tenant_id AND c.day = f.day AND c.gateway = f.gateway AND c.currency = f.currency
WHERE (f.refunds, f.refunded) IS DISTINCT FROM (c.refunds, c.refunded_total)
ORDER BY day
