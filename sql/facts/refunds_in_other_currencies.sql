-- Refunds in another currency than their sale has: how many, and the first few as "tenant gateway event".
-- Reads all linked refunds. Index: conversions' primary key.
SELECT count(*) AS refunds, (array_agg(o.refund ORDER BY o.refund))[:%(shown)s] AS examples
FROM (
    SELECT t.slug || ' ' || r.gateway || ' ' || r.gateway_event_id AS refund
    FROM trackai.refunds r
    JOIN trackai.conversions c ON c.tenant_id = r.tenant_id AND c.id = r.conversion_id
    JOIN trackai.tenants t ON t.id = c.tenant_id
    WHERE r.currency IS DISTINCT FROM c.currency
) o
