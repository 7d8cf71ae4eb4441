-- Records the outcome of a request in one statement: its attempts, its queue rows and the tenant's circuit; and
-- releases the hold. Returns 1; or 0, with nothing changed, if another worker has the hold: it treats the attempts as
-- lost and makes them again.
-- If %(final)s, the events leave the queue. Otherwise they stay, to be sent in requests of at most %(at_most)s.
-- Index: primary keys of dispatch_circuits and dispatch_queue, dispatch_attempts_by_conversion.
WITH held AS (
    UPDATE trackai.dispatch_circuits
    SET state = %(state)s,
        consecutive_failures = %(consecutive_failures)s,
        opened_at = %(opened_at)s,
        retry_at = greatest(%(opened_at)s::timestamptz, %(retry_at)s),
        reason = %(reason)s,
        cooldown_seconds = %(cooldown_seconds)s,
        wait_until = %(wait_until)s,
        held_by = NULL,
        held_until = NULL
    WHERE tenant_id = %(tenant_id)s AND held_by = %(holder)s
    RETURNING tenant_id
),
sent AS (
    SELECT held.tenant_id, s.*
    FROM held
    CROSS JOIN unnest(%(occurred_ats)b::timestamptz[], %(conversion_ids)b::bigint[], %(attempts)b::integer[])
        AS s (occurred_at, conversion_id, attempt)
),
answered AS (
    UPDATE trackai.dispatch_attempts d
    SET status = %(status)s,
        http_status = %(http_status)s,
        error_code = %(code)s,
        error_subcode = %(subcode)s,
        fbtrace_id = %(fbtrace_id)s,
        failure = %(failure)s,
        message = %(message)s,
        completed_at = greatest(d.created_at, %(now)s)
    FROM sent s
    WHERE d.tenant_id = s.tenant_id AND d.conversion_id = s.conversion_id AND d.attempt = s.attempt
      AND d.status = 'pending'
),
finished AS (
    DELETE FROM trackai.dispatch_queue q
    USING sent s
    WHERE %(final)s AND q.tenant_id = s.tenant_id AND q.occurred_at = s.occurred_at AND q.conversion_id = s.conversion_id
),
kept AS (
    UPDATE trackai.dispatch_queue q
    SET at_most = least(q.at_most, %(at_most)s), unknowns = q.unknowns + %(unknown)s::integer
    FROM sent s
    WHERE NOT %(final)s AND (%(unknown)s OR %(at_most)s < q.at_most)
      AND q.tenant_id = s.tenant_id AND q.occurred_at = s.occurred_at AND q.conversion_id = s.conversion_id
)
SELECT count(*)::integer FROM held
