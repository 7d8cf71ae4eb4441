-- Returns the place on the queue of the event that tries whether Meta takes any of a tenant's: of its oldest %(events)s
-- sales from %(from)s to %(until)s the one with the fewest attempts, unless it is set aside until later than
-- %(ready_at)s. Events that Meta will never take therefore do not keep a circuit open: another one tries next.
-- Index: dispatch_queue's primary key.
SELECT occurred_at, conversion_id
FROM (
    SELECT occurred_at, conversion_id, attempts
    FROM trackai.dispatch_queue
    WHERE tenant_id = %(tenant_id)s AND occurred_at BETWEEN %(from)s AND %(until)s
      AND (not_before IS NULL OR not_before <= %(ready_at)s)
    ORDER BY occurred_at, conversion_id
    LIMIT %(events)s
) oldest
ORDER BY attempts, occurred_at, conversion_id
LIMIT 1
