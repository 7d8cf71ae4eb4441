-- Returns the events of tenants that failed for good since a moment, and those with those that were sent.
-- An event that failed and is on the queue is retried, and is neither. What the sandbox got is not counted.
-- Index: dispatch_attempts_by_tenant; the keys of conversions and dispatch_queue.
WITH last_attempts AS (
    SELECT DISTINCT ON (d.tenant_id, d.conversion_id) d.tenant_id, d.conversion_id, d.status
    FROM trackai.dispatch_attempts d
    WHERE d.tenant_id = ANY (%(tenants)s) AND d.created_at >= %(since)s AND d.target = 'meta' AND d.status <> 'pending'
    ORDER BY d.tenant_id, d.conversion_id, d.attempt DESC
)
SELECT count(*) FILTER (WHERE l.status = 'failed'), count(*)
FROM last_attempts l
JOIN trackai.conversions c ON c.tenant_id = l.tenant_id AND c.id = l.conversion_id
WHERE l.status = 'success'
   OR NOT EXISTS (
       SELECT 1
       FROM trackai.dispatch_queue q
       WHERE q.tenant_id = l.tenant_id AND q.occurred_at = c.occurred_at AND q.conversion_id = l.conversion_id
   )
