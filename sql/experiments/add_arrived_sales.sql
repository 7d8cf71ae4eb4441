-- Adds a tenant's linked sales that arrived since %(since)s, by their link or their attribution, or whose day is computed for
-- the first time. An attribution that finds no click changes nothing.
-- Indexes: user_conversions_by_arrival, matched_attributions_by_strategy, conversions_by_day. Nearly all sales are new: they
-- are found in all three, and joined by hashes. What is missing of others is looked up by the tables' keys.
WITH links AS MATERIALIZED (
    SELECT f.conversion_id, f.user_id
    FROM trackai.user_conversions f
    WHERE f.tenant_id = %(tenant_id)s AND f.linked_at >= %(since)s
),
matches AS MATERIALIZED (
    SELECT f.conversion_id
    FROM trackai.matched_attributions f
    WHERE f.tenant_id = %(tenant_id)s AND f.strategy IN ('fbc', 'fbp', 'email') AND f.matched_at >= %(since)s
),
sales AS MATERIALIZED (
    SELECT f.id AS conversion_id, f.event_name, f.occurred_at, f.value, f.currency, f.anonymised_at
    FROM trackai.conversions f
    WHERE f.tenant_id = %(tenant_id)s AND f.occurred_at >= %(new_from)s AND f.occurred_at < %(new_until)s
)
INSERT INTO pg_temp.arrived_sales
    (conversion_id, user_id, event_name, occurred_at, value, currency, attributed, anonymised, arrived)
SELECT i.conversion_id, coalesce(l.user_id, ll.user_id), coalesce(s.event_name, c.event_name),
       coalesce(s.occurred_at, c.occurred_at), coalesce(s.value, c.value), coalesce(s.currency, c.currency),
       m.conversion_id IS NOT NULL OR coalesce(a.strategy <> 'unmatched', false),
       coalesce(s.anonymised_at, c.anonymised_at) IS NOT NULL, true
FROM (
    SELECT x.conversion_id FROM links x
    UNION
    SELECT y.conversion_id FROM matches y
    UNION
    SELECT z.conversion_id FROM sales z
) i
LEFT JOIN links l ON l.conversion_id = i.conversion_id
LEFT JOIN matches m ON m.conversion_id = i.conversion_id
LEFT JOIN sales s ON s.conversion_id = i.conversion_id
LEFT JOIN LATERAL (
    SELECT f.user_id
    FROM trackai.user_conversions f
    WHERE l.conversion_id IS NULL AND f.tenant_id = %(tenant_id)s AND f.conversion_id = i.conversion_id
    OFFSET 0
) ll ON true
LEFT JOIN LATERAL (
    SELECT f.event_name, f.occurred_at, f.value, f.currency, f.anonymised_at
    FROM trackai.conversions f
    WHERE s.conversion_id IS NULL AND f.tenant_id = %(tenant_id)s AND f.id = i.conversion_id
    OFFSET 0
) c ON true
LEFT JOIN LATERAL (
    SELECT f.strategy
    FROM trackai.matched_attributions f
    WHERE m.conversion_id IS NULL AND f.tenant_id = %(tenant_id)s AND f.conversion_id = i.conversion_id
    OFFSET 0
) a ON true
WHERE coalesce(l.user_id, ll.user_id) IS NOT NULL
