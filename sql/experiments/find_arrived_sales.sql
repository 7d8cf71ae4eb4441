-- Finds a tenant's linked sales that arrived since %(since)s, by their link or their attribution, or whose day is computed
-- for the first time. An attribution that finds no click changes nothing.
-- Indexes: user_conversions_by_arrival, matched_attributions_by_strategy, conversions_by_day.
INSERT INTO pg_temp.arrived_sales (tenant_id, conversion_id, user_id, arrived)
SELECT l.tenant_id, l.conversion_id, l.user_id, true
FROM trackai.user_conversions l
WHERE l.tenant_id = %(tenant_id)s AND l.linked_at >= %(since)s
UNION ALL
SELECT l.tenant_id, l.conversion_id, l.user_id, true
FROM (
    SELECT m.conversion_id
    FROM trackai.matched_attributions m
    WHERE m.tenant_id = %(tenant_id)s AND m.strategy IN ('fbc', 'fbp', 'email') AND m.matched_at >= %(since)s
    UNION
    SELECT c.id
    FROM trackai.conversions c
    WHERE c.tenant_id = %(tenant_id)s AND c.occurred_at >= %(new_from)s AND c.occurred_at < %(new_until)s
) s
JOIN trackai.user_conversions l
    ON l.tenant_id = %(tenant_id)s AND l.conversion_id = s.conversion_id AND l.linked_at < %(since)s
