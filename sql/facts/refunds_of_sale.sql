-- The refunds of a conversion, in the order of time. Index: refunds_by_conversion.
SELECT r.kind, r.gateway_event_id, r.value, r.currency, r.occurred_at, r.created_at
FROM trackai.refunds r
WHERE r.tenant_id = %(tenant_id)s AND r.conversion_id = %(conversion_id)s
ORDER BY r.occurred_at, r.gateway_event_id
