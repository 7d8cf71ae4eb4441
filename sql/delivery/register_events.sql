-- Enters events into the registry, which holds each event id of a tenant once; returns the ids that were entered.
-- Index: dedupe_registry's unique key. Guarantees: of two sales with one id, in one call or in two, the first has it.
INSERT INTO trackai.dedupe_registry (tenant_id, event_id, conversion_id, created_at)
SELECT %(tenant_id)s, new.event_id, new.conversion_id, %(now)s
FROM unnest(%(event_ids)b::text[], %(conversion_ids)b::bigint[]) AS new (event_id, conversion_id)
ON CONFLICT (tenant_id, event_id) DO NOTHING
RETURNING event_id
