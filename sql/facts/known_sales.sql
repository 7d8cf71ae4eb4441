-- The sales that are here under the given names: the name, and the key of its sale. A name may also be a key itself.
-- Indexes: sale_names' primary key, conversions_one_per_sale. Guarantees: in one order, so that of two sales which turn
-- out to be one, the same is found whichever chunk asks.
SELECT n.tenant_id, n.gateway, n.name, found.sale_key
FROM unnest(%(tenant_ids)s::text[], %(gateways)s::text[], %(names)s::text[]) AS n (tenant_id, gateway, name)
CROSS JOIN LATERAL (
    SELECT s.sale_key
    FROM trackai.sale_names s
    WHERE s.tenant_id = n.tenant_id AND s.gateway = n.gateway AND s.name = n.name
    UNION
    SELECT c.sale_key
    FROM trackai.conversions c
    WHERE c.tenant_id = n.tenant_id AND c.gateway = n.gateway AND c.sale_key = n.name
) found
ORDER BY n.tenant_id, n.gateway, found.sale_key, n.name
