-- Records what is about to be sent: an attempt for each event, and its exact bytes for the next attempt.
-- Index: primary key of dispatch_queue; dispatch_attempts_by_conversion refuses an attempt that another worker has
-- made.
WITH opened AS (
    SELECT *
    FROM unnest(
        %(occurred_ats)b::timestamptz[], %(conversion_ids)b::bigint[], %(event_ids)b::text[], %(events)b::text[],
        %(keys)b::smallint[], %(attempts)b::integer[], %(payload_sha256s)b::text[]
    ) AS o (occurred_at, conversion_id, event_id, event, keys, attempt, payload_sha256)
),
attempted AS (
    INSERT INTO trackai.dispatch_attempts
        (tenant_id, event_id, conversion_id, attempt, payload_sha256, keys, created_at, target, flag_version)
    SELECT %(tenant_id)s, event_id, conversion_id, attempt, payload_sha256, keys, %(now)s, %(target)s, %(flag_version)s
    FROM opened
)
UPDATE trackai.dispatch_queue q
SET attempts = o.attempt, event_id = o.event_id, event = o.event, keys = o.keys
FROM opened o
WHERE q.tenant_id = %(tenant_id)s AND q.occurred_at = o.occurred_at AND q.conversion_id = o.conversion_id
