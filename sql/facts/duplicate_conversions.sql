-- Events of the UTC days from %(from_day)s on that are there more than once, and sales that one gateway reported by
-- more than one event id with the same order and value (to be looked at: two real purchases can look like that).
-- Index: conversions_by_day.
WITH recent AS MATERIALIZED (
    SELECT c.tenant_id, c.gateway, c.gateway_event_id, c.order_id, c.value, c.currency
    FROM trackai.conversions c
    WHERE c.occurred_at >= %(from_day)s::date::timestamp AT TIME ZONE 'UTC'
)
SELECT (SELECT count(*) FROM recent) AS conversions,
       (SELECT coalesce(sum(extra), 0)::bigint FROM (
            SELECT count(*) - 1 AS extra FROM recent
            GROUP BY tenant_id, gateway, gateway_event_id HAVING count(*) > 1
        ) events) AS duplicates,
       (SELECT count(*) FROM (
            SELECT 1 FROM recent WHERE order_id IS NOT NULL
            GROUP BY tenant_id, gateway, order_id, value, currency HAVING count(*) > 1
        ) sales) AS alike
