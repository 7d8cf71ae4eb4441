-- A refund may name its sale by any of the ids that the gateway's events have for it.
-- facts/link_refunds_of_staged_conversions: all names of a sale. The table has the sales of few gateways.
CREATE INDEX sale_names_by_sale ON trackai.sale_names (tenant_id, gateway, sale_key);

CREATE OR REPLACE VIEW trackai.v_wrong_refund_links AS
SELECT r.tenant_id, r.id AS refund_id, r.gateway, r.gateway_event_id,
       coalesce(e.id, s.id, o.id) AS conversion_id
FROM trackai.refunds r
LEFT JOIN trackai.conversions e
    ON e.tenant_id = r.tenant_id AND e.gateway = r.gateway AND e.gateway_event_id = r.original_event_id
LEFT JOIN trackai.sale_names n
    ON n.tenant_id = r.tenant_id AND n.gateway = r.gateway AND n.name = r.sale_key
LEFT JOIN trackai.conversions s
    ON s.tenant_id = r.tenant_id AND s.gateway = r.gateway AND s.sale_key = coalesce(n.sale_key, r.sale_key)
   AND e.id IS NULL
LEFT JOIN LATERAL (
    SELECT min(sales.id) AS id
    FROM (
        SELECT c.id FROM trackai.conversions c
        WHERE c.tenant_id = r.tenant_id AND c.gateway = r.gateway AND c.sale_key = r.order_id
          AND c.order_id = r.order_id
        UNION ALL
        SELECT c.id FROM trackai.conversions c
        WHERE c.tenant_id = r.tenant_id AND c.gateway = r.gateway AND c.order_id = r.order_id
          AND c.order_id IS NOT NULL AND c.sale_key IS DISTINCT FROM c.order_id
        LIMIT 2
    ) sales
    HAVING count(*) = 1
) o ON e.id IS NULL AND s.id IS NULL
WHERE r.conversion_id IS DISTINCT FROM coalesce(e.id, s.id, o.id);
