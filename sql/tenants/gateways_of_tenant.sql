-- Returns the gateways that a tenant (slug or id) has conversions from.
-- Index: conversions' (tenant_id, gateway, gateway_event_id), one descent for each gateway, however many conversions it
-- has.
-- Guarantees: each gateway once, in order.
WITH RECURSIVE tenant AS (
    SELECT id FROM trackai.tenants WHERE slug = %(tenant)s OR id = %(tenant)s
),
found AS (
    (
        SELECT c.tenant_id, c.gateway
        FROM trackai.conversions c
        WHERE c.tenant_id IN (SELECT id FROM tenant)
        ORDER BY c.tenant_id, c.gateway
        LIMIT 1
    )
    UNION ALL
    SELECT f.tenant_id, following.gateway
    FROM found f
    CROSS JOIN LATERAL (
        SELECT c.gateway
        FROM trackai.conversions c
        WHERE c.tenant_id = f.tenant_id AND c.gateway > f.gateway
        ORDER BY c.gateway
        LIMIT 1
    ) following
)
SELECT gateway FROM found ORDER BY gateway
