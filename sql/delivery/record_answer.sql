-- Records the outcome of a request in one statement: its attempts, its queue rows and the tenant's circuit; and
-- releases the hold. Returns 1; or 0, with nothing changed, if another worker has the hold: it treats the attempts as
-- lost and makes them again.
-- If %(final)s, the events leave the queue. Otherwise they stay: with %(doubted_for)s, the kind of a refusal, they are in
-- doubt, and are sent in requests of at most %(at_most)s, not before %(not_before)s.
-- An accepted request is noted at the tenant's other events in doubt, which are tried again at once. %(explained)s says
-- that the bad event was found: those that were only refused together with others are in doubt no longer. %(forgiven)s
-- says that the set-up is at fault: no event is.
-- Index: primary keys of dispatch_circuits and dispatch_queue, dispatch_queue_in_doubt, dispatch_attempts_by_conversion.
WITH held AS (
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
    SET status = CASE WHEN %(accepted)s THEN 'success' ELSE 'failed' END,
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
doubted AS (
    UPDATE trackai.dispatch_queue q
    SET at_most = least(q.at_most, %(at_most)s),
        refusal = %(doubted_for)s,
        refusals = %(times)s,
        others_accepted = %(others_accepted)s,
        not_before = %(not_before)s
    FROM sent s
    WHERE NOT %(final)s AND %(doubted_for)s::text IS NOT NULL
      AND q.tenant_id = s.tenant_id AND q.occurred_at = s.occurred_at AND q.conversion_id = s.conversion_id
),
tried_again AS (
    UPDATE trackai.dispatch_queue q
    SET others_accepted = true, not_before = CASE WHEN q.not_before IS NOT NULL THEN %(now)s END
    FROM held
    WHERE %(accepted)s AND q.tenant_id = held.tenant_id AND q.refusal IS NOT NULL AND NOT q.others_accepted
      AND q.conversion_id <> ALL (%(conversion_ids)b::bigint[])
),
cleared AS (
    UPDATE trackai.dispatch_queue q
    SET at_most = CASE WHEN %(forgiven)s THEN 1000 ELSE q.at_most END,
        refusal = NULL, refusals = 0, others_accepted = false, not_before = NULL
    FROM held
    WHERE q.tenant_id = held.tenant_id AND q.refusal IS NOT NULL
      AND (%(forgiven)s OR %(explained)s AND q.not_before IS NULL AND q.conversion_id <> ALL (%(conversion_ids)b::bigint[]))
)
SELECT count(*)::integer FROM held
