-- Brings up to date the links of refunds that name a staged sale, by its event, its sale key, its order or one of its
-- names: a sale may take a link from another, or make an order's ambiguous. Without a refund anywhere nothing is looked up.
-- Indexes: refunds_by_event, refunds_by_sale, refunds_by_order, sale_names_by_sale, and those of the view. OFFSET 0 keeps
-- each look-up whole: the planner, which knows nothing of staged rows, would join names and refunds of a gateway first.
-- Repeating it changes nothing.
WITH named AS MATERIALIZED (
    SELECT DISTINCT s.tenant_id, f.id
    FROM pg_temp.staged_conversions s
    CROSS JOIN LATERAL (
        SELECT r.id
        FROM trackai.refunds r
        WHERE r.tenant_id = s.tenant_id AND r.gateway = s.gateway AND r.original_event_id = s.gateway_event_id
        UNION ALL
        SELECT r.id
        FROM trackai.refunds r
        WHERE r.tenant_id = s.tenant_id AND r.gateway = s.gateway AND r.sale_key = s.sale_key
        UNION ALL
        SELECT r.id
        FROM trackai.refunds r
        WHERE r.tenant_id = s.tenant_id AND r.gateway = s.gateway AND r.order_id = s.order_id
        UNION ALL
        SELECT r.id
        FROM (
            SELECT n.name
            FROM trackai.sale_names n
            WHERE n.tenant_id = s.tenant_id AND n.gateway = s.gateway AND n.sale_key = s.sale_key
            OFFSET 0
        ) n
        CROSS JOIN LATERAL (
            SELECT r.id
            FROM trackai.refunds r
            WHERE r.tenant_id = s.tenant_id AND r.gateway = s.gateway AND r.sale_key = n.name
            OFFSET 0
        ) r
        OFFSET 0
    ) f
    WHERE EXISTS (SELECT FROM trackai.refunds)
), wrong AS MATERIALIZED (
    SELECT w.tenant_id, w.refund_id, w.conversion_id
    FROM named n
    JOIN trackai.v_wrong_refund_links w ON w.tenant_id = n.tenant_id AND w.refund_id = n.id
)
UPDATE trackai.refunds r
SET conversion_id = w.conversion_id
FROM wrong w
WHERE r.tenant_id = w.tenant_id AND r.id = w.refund_id
