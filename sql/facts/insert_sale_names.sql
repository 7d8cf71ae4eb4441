-- Notes the names under which sales are reported, and returns how many are new; a name that is known stays with its sale.
-- Index: sale_names' primary key, in whose order rows are written. Safe to repeat.
WITH noted AS (
    INSERT INTO trackai.sale_names (tenant_id, gateway, name, sale_key)
    SELECT n.tenant_id, n.gateway, n.name, n.sale_key
    FROM unnest(%(tenant_ids)s::text[], %(gateways)s::text[], %(names)s::text[], %(sale_keys)s::text[])
        AS n (tenant_id, gateway, name, sale_key)
    ORDER BY n.tenant_id, n.gateway, n.name
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM noted
