-- The id of a conversion by what people know of it: its tenant (slug or id), gateway and event.
-- Indexes: tenants' keys, conversions' (tenant_id, gateway, gateway_event_id). The slug wins over another tenant's id.
SELECT c.tenant_id, c.id
FROM trackai.tenants t
JOIN trackai.conversions c ON c.tenant_id = t.id
WHERE (t.slug = %(tenant)s OR t.id = %(tenant)s)
  AND c.gateway = %(gateway)s
  AND c.gateway_event_id = %(event_id)s
ORDER BY t.slug = %(tenant)s DESC
LIMIT 1
