-- Holds up to %(free)s tenants that have something to do, least time left first, for the worker %(holder)s: an event
-- can go out, or one has become too old (before %(too_old)s) and must be closed, whatever the circuit says.
-- At most %(free_for_doubtful)s of them are tenants in trouble, which therefore never fill all places.
-- The queue is filled by the triggers attributed_are_queued and matched_late_are_queued on matched_attributions and
-- tenants_are_followed on tenants (sql/schema.sql), and by delivery/enqueue_replay.
-- A sale of a store has more time: it is closed when its tenant can be served again.
-- An event that is set aside (not_before) does not hold up the later ones of its tenant.
-- The flag dispatch_target holds the tenants %(targets_held)s (NULL: all), and sends the events of %(sandboxed)s to the
-- sandbox. A circuit that is about the other receiver stands in nobody's way.
-- Index: dispatch_queue's primary key, one probe for each tenant on the queue, and a second one where the oldest event
-- is set aside; primary keys of tenants and circuits.
-- Guarantees: a tenant has one holder. A hold lapses by the server's clock, which all workers share, without being
-- released. Rows are locked in the order of tenants, so two workers never wait for each other.
WITH RECURSIVE heads AS (
    (SELECT tenant_id, occurred_at, conversion_id, not_before
     FROM trackai.dispatch_queue ORDER BY tenant_id, occurred_at LIMIT 1)
    UNION ALL
    SELECT following.tenant_id, following.occurred_at, following.conversion_id, following.not_before
    FROM heads h
    CROSS JOIN LATERAL (
        SELECT q.tenant_id, q.occurred_at, q.conversion_id, q.not_before
        FROM trackai.dispatch_queue q
        WHERE q.tenant_id > h.tenant_id
        ORDER BY q.tenant_id, q.occurred_at
        LIMIT 1
    ) following
),
ready AS (
    SELECT h.tenant_id,
           h.occurred_at,
           coalesce(c.consecutive_failures > 0 OR c.state <> 'closed', false) AS doubtful
    FROM heads h
    JOIN trackai.tenants t ON t.id = h.tenant_id
    LEFT JOIN trackai.dispatch_circuits c ON c.tenant_id = h.tenant_id
    LEFT JOIN LATERAL (
        SELECT q.occurred_at
        FROM trackai.dispatch_queue q
        WHERE q.tenant_id = h.tenant_id AND (q.not_before IS NULL OR q.not_before <= %(now)s)
        ORDER BY q.occurred_at
        LIMIT 1
    ) behind ON h.not_before > %(now)s
    WHERE (c.held_until IS NULL OR c.held_until <= clock_timestamp())
      AND (h.occurred_at < %(too_old)s
           AND NOT EXISTS (
               SELECT FROM trackai.conversions s
               WHERE s.tenant_id = h.tenant_id AND s.id = h.conversion_id AND s.action_source = 'physical_store'
           )
           OR t.status = 'active'
              AND %(targets_held)s::text[] IS NOT NULL AND h.tenant_id <> ALL (%(targets_held)s)
              AND ((c.target = 'sandbox') <> (h.tenant_id = ANY (%(sandboxed)s)) AND h.occurred_at <= %(until)s
                   OR (c.state IS DISTINCT FROM 'closed' AND h.occurred_at <= %(until)s
                       OR CASE WHEN h.not_before > %(now)s THEN behind.occurred_at ELSE h.occurred_at END <= %(until)s)
                      AND (c.wait_until IS NULL OR c.wait_until <= %(now)s)
                      AND (c.state IS DISTINCT FROM 'open' OR c.retry_at <= %(now)s)))
),
placed AS (
    SELECT tenant_id, occurred_at, doubtful,
           row_number() OVER (PARTITION BY doubtful ORDER BY occurred_at) AS place
    FROM ready
),
chosen AS (
    SELECT tenant_id, doubtful
    FROM placed
    WHERE NOT doubtful OR place <= %(free_for_doubtful)s
    ORDER BY occurred_at
    LIMIT %(free)s
),
held AS (
    INSERT INTO trackai.dispatch_circuits AS c (tenant_id, held_by, held_until)
    SELECT tenant_id, %(holder)s, clock_timestamp() + make_interval(secs => %(seconds)s)
    FROM chosen
    ORDER BY tenant_id
    ON CONFLICT (tenant_id) DO UPDATE
    SET held_by = excluded.held_by, held_until = excluded.held_until
    WHERE c.held_until IS NULL OR c.held_until <= clock_timestamp()
    RETURNING c.tenant_id
)
SELECT h.tenant_id, c.doubtful FROM held h JOIN chosen c ON c.tenant_id = h.tenant_id
