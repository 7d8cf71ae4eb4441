-- Conversions that are a refund by their event: how many, and the first few as "tenant gateway event". Meta would be sent
-- them as purchases. Reads all refunds. Index: conversions' UNIQUE (tenant_id, gateway, gateway_event_id).
SELECT count(*) AS refunds, (array_agg(o.refund ORDER BY o.refund))[:%(shown)s] AS examples
FROM (
    SELECT t.slug || ' ' || r.gateway || ' ' || r.gateway_event_id AS refund
    FROM trackai.refunds r
    JOIN trackai.conversions c
        ON c.tenant_id = r.tenant_id AND c.gateway = r.gateway AND c.gateway_event_id = r.gateway_event_id
    JOIN trackai.tenants t ON t.id = c.tenant_id
) o
