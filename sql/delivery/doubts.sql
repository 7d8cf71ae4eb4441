-- Returns the kind of refusal of each event of a tenant that was refused alone, while no other event of the tenant has been
-- accepted since. Index: dispatch_queue_in_doubt, which holds refused events only.
SELECT refusal
FROM trackai.dispatch_queue
WHERE tenant_id = %(tenant_id)s AND refusal IS NOT NULL AND not_before IS NOT NULL AND NOT others_accepted
