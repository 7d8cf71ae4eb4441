-- For each tenant, UTC day in [%(from_day)s, %(to_day)s] and gate that matching reads: the conversions of
-- daily_match_rates and the values that gate_exposures has, where these differ. A day is stale when conversions came after
-- its rates were computed.
-- Indexes: daily_match_rates' key, conversions_by_day, matching_settings' key. Values are counted before anything is
-- joined: the conversions of the days are read once a gate, and once more only where something differs.
-- Guarantees: read-only.
WITH rates AS (
    SELECT r.tenant_id, r.day, sum(r.conversions)::bigint AS conversions, min(r.computed_at) AS computed_at
    FROM trackai.daily_match_rates r
    WHERE r.day BETWEEN %(from_day)s AND %(to_day)s
    GROUP BY r.tenant_id, r.day
),
valued AS MATERIALIZED (
    SELECT e.tenant_id, (e.occurred_at AT TIME ZONE 'UTC')::date AS day, e.gate, count(*) AS found
    FROM trackai.gate_exposures e
    WHERE e.occurred_at >= %(from_day)s::date::timestamp AT TIME ZONE 'UTC'
      AND e.occurred_at < (%(to_day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
    GROUP BY e.tenant_id, (e.occurred_at AT TIME ZONE 'UTC')::date, e.gate
),
differing AS MATERIALIZED (
    SELECT r.tenant_id, r.day, g.gate, r.conversions, coalesce(v.found, 0) AS found, r.computed_at
    FROM rates r
    CROSS JOIN (VALUES ('email_matching'), ('lookback_days')) AS g (gate)
    LEFT JOIN valued v ON v.tenant_id = r.tenant_id AND v.day = r.day AND v.gate = g.gate
    WHERE r.conversions <> coalesce(v.found, 0)
),
arrived AS MATERIALIZED (
    SELECT c.tenant_id, (c.occurred_at AT TIME ZONE 'UTC')::date AS day, max(c.created_at) AS last_arrival
    FROM trackai.conversions c
    WHERE EXISTS (SELECT FROM differing)
      AND c.occurred_at >= %(from_day)s::date::timestamp AT TIME ZONE 'UTC'
      AND c.occurred_at < (%(to_day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
    GROUP BY c.tenant_id, (c.occurred_at AT TIME ZONE 'UTC')::date
)
SELECT t.slug AS tenant, d.day, d.gate, d.conversions AS expected, d.found,
       coalesce(a.last_arrival > d.computed_at, false) AS stale
FROM differing d
JOIN trackai.tenants t ON t.id = d.tenant_id
LEFT JOIN arrived a ON a.tenant_id = d.tenant_id AND a.day = d.day
ORDER BY d.day, t.slug, d.gate
