-- Returns the conversion that each of these event ids belongs to. Index: dedupe_registry's unique key.
SELECT event_id, conversion_id
FROM trackai.dedupe_registry
WHERE tenant_id = %(tenant_id)s AND event_id = ANY (%(event_ids)b::text[])
