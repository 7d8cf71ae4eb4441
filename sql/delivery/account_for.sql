-- Counts the events of attributed sales since %(since)s by tenant and place: sent, waiting, failed for good, in the
-- sandbox (it accepted or refused them, and Meta has not got them), not due, or unexplained; with the circuit that a
-- waiting tenant waits for. Where they are given, %(before)s bounds the sales' time, and %(tenant)s restricts them to one
-- tenant. A transient failure (%(transient)s) must have its row on the queue.
-- Indexes: conversions_by_day, primary keys. Attributions are looked up one by one, and attempts, read once, meet the sales
-- in a FULL JOIN, which is hashed or merged whatever the planner expects: of days that are newer than the statistics it
-- expects a row, and loops. OFFSET 0 keeps the join one.
-- Guarantees: one snapshot sees queue, attempts and attributions, so a request in flight is never miscounted.
WITH placed AS (
    SELECT e.tenant_id,
           e.occurred_at,
           e.occurred_at > %(until)s AS ahead,
           e.failure,
           CASE
               WHEN e.waits THEN 'waiting'
               WHEN e.sent THEN 'sent'
               WHEN e.target = 'sandbox'
                    AND (e.status = 'success' OR e.failure <> ALL (%(transient)s::text[]))
               THEN 'sandbox'
               WHEN e.failure <> ALL (%(transient)s::text[]) THEN 'failed'
               WHEN e.attempts IS NULL
                    AND (e.tenant_status <> 'active'
                         OR e.dispatch_policy = 'matched' AND e.strategy = 'unmatched'
                         OR e.occurred_at < %(arrives_at)s - e.longest_age)
               THEN 'not_due'
               ELSE 'unexplained'
           END AS place
    FROM (
        SELECT c.tenant_id, c.occurred_at, c.longest_age, c.strategy, c.waits, c.status AS tenant_status, c.dispatch_policy,
               tried.sent, tried.attempts, tried.target, tried.status, tried.failure
        FROM (
            SELECT c.tenant_id, c.id, c.occurred_at, trackai.longest_age(c.action_source) AS longest_age, a.strategy,
                   q.conversion_id IS NOT NULL AS waits, t.status, t.dispatch_policy
            FROM trackai.conversions c
            JOIN trackai.tenants t ON t.id = c.tenant_id
            CROSS JOIN LATERAL (
                SELECT x.strategy
                FROM trackai.matched_attributions x
                WHERE x.tenant_id = c.tenant_id AND x.conversion_id = c.id
                LIMIT 1
            ) a
            LEFT JOIN trackai.dispatch_queue q
                ON q.tenant_id = c.tenant_id AND q.occurred_at = c.occurred_at AND q.conversion_id = c.id
            WHERE c.occurred_at >= %(since)s
              AND (%(before)s::timestamptz IS NULL OR c.occurred_at < %(before)s)
              AND (%(tenant)s::text IS NULL OR t.slug = %(tenant)s)
        ) c
        FULL JOIN (
            SELECT d.tenant_id,
                   d.conversion_id,
                   count(*) AS attempts,
                   bool_or(d.status = 'success' AND d.target = 'meta') AS sent,
                   (array_agg(d.target ORDER BY d.attempt DESC))[1] AS target,
                   (array_agg(d.status ORDER BY d.attempt DESC))[1] AS status,
                   (array_agg(d.failure ORDER BY d.attempt DESC))[1] AS failure
            FROM trackai.dispatch_attempts d
            WHERE d.created_at >= %(since)s::timestamptz - interval '1 day'
              AND (
                  %(tenant)s::text IS NULL
                  OR d.tenant_id = (SELECT o.id FROM trackai.tenants o WHERE o.slug = %(tenant)s)
              )
            GROUP BY d.tenant_id, d.conversion_id
        ) tried ON tried.tenant_id = c.tenant_id AND tried.conversion_id = c.id
        OFFSET 0
    ) e
    WHERE e.occurred_at IS NOT NULL
)
SELECT t.slug, t.status, p.place, p.ahead,
       CASE WHEN p.place IN ('failed', 'sandbox') THEN p.failure END AS failure,
       count(*) AS events,
       min(p.occurred_at) AS oldest,
       coalesce(c.held_until > clock_timestamp(), false) AS held,
       coalesce(c.state, 'closed') AS state,
       coalesce(c.consecutive_failures, 0) AS consecutive_failures, c.opened_at, c.retry_at, c.reason,
       c.cooldown_seconds, c.wait_until, c.refusal
FROM placed p
JOIN trackai.tenants t ON t.id = p.tenant_id
LEFT JOIN trackai.dispatch_circuits c ON c.tenant_id = p.tenant_id
GROUP BY t.id, t.slug, t.status, p.place, p.ahead, 5, c.tenant_id
ORDER BY t.slug, p.place, 5
