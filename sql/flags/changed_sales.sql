-- Counts the sales of these periods by tenant and UTC day, and the unmatched ones among them.
-- Indexes: conversions_by_day from the first of the periods on, matched_attributions' primary key. A tenant's periods are
-- one row, so that its sales are read once, however many periods there are.
WITH changed AS MATERIALIZED (
    SELECT given.tenant_id, range_agg(tstzrange(given.since, given.until)) AS periods
    FROM unnest(%(tenant_ids)s::text[], %(since)s::timestamptz[], %(until)s::timestamptz[])
        AS given (tenant_id, since, until)
    GROUP BY given.tenant_id
)
SELECT t.slug AS tenant,
       (c.occurred_at AT TIME ZONE 'UTC')::date AS day,
       count(*) AS conversions,
       count(*) FILTER (WHERE a.strategy = 'unmatched') AS unmatched
FROM changed p
JOIN trackai.tenants t ON t.id = p.tenant_id
JOIN trackai.conversions c ON c.tenant_id = p.tenant_id AND p.periods @> c.occurred_at
LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
WHERE c.occurred_at >= (SELECT min(lower(first.periods)) FROM changed first)
  AND c.occurred_at < (SELECT max(upper(last.periods)) FROM changed last)
GROUP BY 1, 2
ORDER BY 1, 2
