-- Takes events that cannot be sent off the queue and records why, as an attempt that failed without a request.
-- Events without a failure are no longer due and leave without an attempt. Index: dispatch_queue's primary key.
WITH closed AS (
    SELECT *
    FROM unnest(
        %(occurred_ats)b::timestamptz[], %(conversion_ids)b::bigint[], %(event_ids)b::text[], %(keys)b::smallint[],
        %(attempts)b::integer[], %(failures)b::text[], %(messages)b::text[]
    ) AS c (occurred_at, conversion_id, event_id, keys, attempt, failure, message)
),
explained AS (
    INSERT INTO trackai.dispatch_attempts
        (tenant_id, event_id, conversion_id, attempt, status, failure, message, keys, created_at, completed_at)
    SELECT %(tenant_id)s, event_id, conversion_id, attempt, 'failed', failure, message, keys, %(now)s, %(now)s
    FROM closed
    WHERE failure IS NOT NULL
)
DELETE FROM trackai.dispatch_queue q
USING closed c
WHERE q.tenant_id = %(tenant_id)s AND q.occurred_at = c.occurred_at AND q.conversion_id = c.conversion_id
