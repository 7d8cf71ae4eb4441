-- For each tenant, UTC day in [%(from_day)s, %(to_day)s] and gate that matching reads: the conversions of
-- daily_match_rates and the values that gate_exposures has, where these differ. A day is stale when conversions came after
-- its rates were computed.
-- Indexes: daily_match_rates' key, conversions_by_day, matching_settings' key. Guarantees: read-only.
WITH rates AS (
    SELECT r.tenant_id, r.day, sum(r.conversions)::bigint AS conversions, min(r.computed_at) AS computed_at
    FROM trackai.daily_match_rates r
    WHERE r.day BETWEEN %(from_day)s AND %(to_day)s
    GROUP BY r.tenant_id, r.day
),
sales AS MATERIALIZED (
    SELECT c.tenant_id, c.id, (c.occurred_at AT TIME ZONE 'UTC')::date AS day, c.created_at
    FROM trackai.conversions c
    WHERE c.occurred_at >= %(from_day)s::date::timestamp AT TIME ZONE 'UTC'
      AND c.occurred_at < (%(to_day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
),
arrived AS (
    SELECT s.tenant_id, s.day, max(s.created_at) AS last_arrival FROM sales s GROUP BY s.tenant_id, s.day
),
valued AS (
    SELECT s.tenant_id, s.day, e.gate, count(*) AS found
    FROM sales s
    JOIN trackai.gate_exposures e ON e.tenant_id = s.tenant_id AND e.conversion_id = s.id
    GROUP BY s.tenant_id, s.day, e.gate
)
SELECT t.slug AS tenant, r.day, g.gate, r.conversions AS expected, coalesce(v.found, 0) AS found,
       coalesce(a.last_arrival > r.computed_at, false) AS stale
FROM rates r
CROSS JOIN (VALUES ('email_matching'), ('lookback_days')) AS g (gate)
JOIN trackai.tenants t ON t.id = r.tenant_id
LEFT JOIN valued v ON v.tenant_id = r.tenant_id AND v.day = r.day AND v.gate = g.gate
LEFT JOIN arrived a ON a.tenant_id = r.tenant_id AND a.day = r.day
WHERE r.conversions <> coalesce(v.found, 0)
ORDER BY r.day, t.slug, g.gate
