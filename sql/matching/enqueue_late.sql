-- Puts the conversions that find_late and find_awaited found back on the queue; returns those that were not there.
-- Index: match_queue's primary key. Guarantees: it waits for a conversion that is being matched right now instead of
-- missing it; rows are inserted in the order of their keys, so that two workers do not wait for each other.
INSERT INTO trackai.match_queue (tenant_id, conversion_id, cause)
SELECT l.tenant_id, l.conversion_id, 'recheck'
FROM unnest(%(tenant_ids)s::text[], %(conversion_ids)s::bigint[]) AS l (tenant_id, conversion_id)
ORDER BY l.tenant_id COLLATE "C", l.conversion_id
ON CONFLICT DO NOTHING
RETURNING conversion_id
