-- Returns every tenant with its conversions by strategy, and its value by currency as {"BRL": ["total", "matched"]},
-- gross and net of what was given back.
-- Sales of the UTC days %(first)s to %(last)s count, of one tenant or (NULL) of all.
-- Index: conversions_by_day for few days. Reads the conversions and their attributions once and joins them by hash: for
-- reports, not for requests.
-- Guarantees: tenants without conversions are there with zeros; conversions = fbc + fbp + email + unmatched + pending;
-- money stays exact, because JSON holds it as text; events without a currency count, and are no value.
WITH per_currency AS (
    SELECT c.tenant_id,
           c.currency,
           count(*) AS conversions,
           count(*) FILTER (WHERE a.strategy = 'fbc') AS fbc,
           count(*) FILTER (WHERE a.strategy = 'fbp') AS fbp,
           count(*) FILTER (WHERE a.strategy = 'email') AS email,
           count(*) FILTER (WHERE a.strategy = 'unmatched') AS unmatched,
           count(*) FILTER (WHERE a.strategy IS NULL) AS pending,
           coalesce(sum(c.value), 0) AS value_total,
           coalesce(sum(c.value) FILTER (WHERE a.strategy <> 'unmatched'), 0) AS value_matched
    FROM trackai.conversions c
    LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
    WHERE c.occurred_at >= %(first)s::date::timestamp AT TIME ZONE 'UTC'
      AND c.occurred_at < (%(last)s::date + 1)::timestamp AT TIME ZONE 'UTC'
      AND (%(tenant)s::text IS NULL OR c.tenant_id = (SELECT id FROM trackai.tenants WHERE slug = %(tenant)s))
    GROUP BY c.tenant_id, c.currency
),
refunded AS (
    SELECT s.tenant_id, s.currency, sum(s.refunds)::bigint AS refunds, sum(s.refunded) AS refunded_total,
           coalesce(sum(s.refunded) FILTER (WHERE s.strategy <> 'unmatched'), 0) AS refunded_matched
    FROM (
        SELECT c.tenant_id, c.currency, a.strategy,
               count(*) AS refunds, least(sum(r.value), coalesce(c.value, 0)) AS refunded
        FROM trackai.refunds r
        JOIN trackai.conversions c ON c.tenant_id = r.tenant_id AND c.id = r.conversion_id
        LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
        WHERE c.occurred_at >= %(first)s::date::timestamp AT TIME ZONE 'UTC'
          AND c.occurred_at < (%(last)s::date + 1)::timestamp AT TIME ZONE 'UTC'
          AND (%(tenant)s::text IS NULL OR c.tenant_id = (SELECT id FROM trackai.tenants WHERE slug = %(tenant)s))
          AND r.currency = c.currency
        GROUP BY c.tenant_id, c.id, a.strategy
    ) s
    GROUP BY s.tenant_id, s.currency
)
SELECT t.slug,
       t.name,
       t.status,
       coalesce(sum(p.conversions), 0)::bigint AS conversions,
       coalesce(sum(p.fbc), 0)::bigint AS fbc,
       coalesce(sum(p.fbp), 0)::bigint AS fbp,
       coalesce(sum(p.email), 0)::bigint AS email,
       coalesce(sum(p.unmatched), 0)::bigint AS unmatched,
       coalesce(sum(p.pending), 0)::bigint AS pending,
       coalesce(
           jsonb_object_agg(p.currency, jsonb_build_array(p.value_total::text, p.value_matched::text))
               FILTER (WHERE p.currency IS NOT NULL),
           '{}'
       ) AS value_by_currency,
       coalesce(sum(r.refunds), 0)::bigint AS refunds,
       coalesce(
           jsonb_object_agg(
               p.currency,
               jsonb_build_array(
                   (p.value_total - coalesce(r.refunded_total, 0))::text,
                   (p.value_matched - coalesce(r.refunded_matched, 0))::text
               )
           ) FILTER (WHERE p.currency IS NOT NULL),
           '{}'
       ) AS net_by_currency
FROM trackai.tenants t
LEFT JOIN per_currency p ON p.tenant_id = t.id
LEFT JOIN refunded r ON r.tenant_id = p.tenant_id AND r.currency = p.currency
WHERE %(tenant)s::text IS NULL OR t.slug = %(tenant)s
GROUP BY t.id
ORDER BY conversions DESC, t.slug;
