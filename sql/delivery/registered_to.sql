-- Returns the conversion that each of these event ids belongs to, and what tells it from another sale of its gateway.
-- After the event id come the fields of delivery.prepare.IdOwner.
-- Indexes: dedupe_registry's unique key, conversions' primary key.
SELECT r.event_id, r.conversion_id, c.gateway, c.gateway_event_id, c.sale_key
FROM trackai.dedupe_registry r
LEFT JOIN trackai.conversions c ON c.tenant_id = r.tenant_id AND c.id = r.conversion_id
WHERE r.tenant_id = %(tenant_id)s AND r.event_id = ANY (%(event_ids)b::text[])
