-- Takes a tenant's events out of doubt: what one receiver refused, another one may take.
-- Index: dispatch_queue_in_doubt. The caller holds the tenant.
UPDATE trackai.dispatch_queue
SET refusal = NULL, refusals = 0, others_accepted = false, not_before = NULL, at_most = 1000
WHERE tenant_id = %(tenant_id)s AND refusal IS NOT NULL
