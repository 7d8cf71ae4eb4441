-- Releases the hold on a tenant without a request, and stores its circuit. Index: primary key.
UPDATE trackai.dispatch_circuits
SET state = %(state)s,
    consecutive_failures = %(consecutive_failures)s,
    opened_at = %(opened_at)s,
    retry_at = greatest(%(opened_at)s::timestamptz, %(retry_at)s),
    reason = %(reason)s,
    cooldown_seconds = %(cooldown_seconds)s,
    wait_until = %(wait_until)s,
    refusal = %(refusal)s,
    target = %(target)s,
    held_by = NULL,
    held_until = NULL
WHERE tenant_id = %(tenant_id)s AND held_by = %(holder)s
