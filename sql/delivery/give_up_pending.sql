-- Ends attempts that a worker left behind when it died: their outcome is unknown.
-- Index: dispatch_attempts_by_conversion. The caller holds the tenant, so none of its attempts is in flight.
UPDATE trackai.dispatch_attempts d
SET status = 'failed',
    failure = 'unknown_outcome',
    message = 'the worker ended before the answer came: whether the event was taken is not known, so it is sent again '
              'with the same id',
    completed_at = greatest(d.created_at, %(now)s)
FROM unnest(%(conversion_ids)b::bigint[], %(attempts)b::integer[]) AS left_behind (conversion_id, attempt)
WHERE d.tenant_id = %(tenant_id)s
  AND d.conversion_id = left_behind.conversion_id
  AND d.attempt = left_behind.attempt
  AND d.status = 'pending'
