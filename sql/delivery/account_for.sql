-- Counts the events of attributed sales since %(since)s by tenant and place: sent, waiting, failed for good, in the
-- sandbox (it accepted or refused them, and Meta has not got them), not due, or unexplained; with the circuit that a
-- waiting tenant waits for. Where they are given, %(before)s bounds the sales' time, and %(tenant)s restricts them to one
-- tenant. A transient failure (%(transient)s) must have its row on the queue.
-- Indexes: conversions_by_day, primary keys, dispatch_attempts_by_conversion; hash joins over many days.
-- Guarantees: one snapshot sees queue, attempts and attributions, so a request in flight is never miscounted.
WITH placed AS (
    SELECT c.tenant_id,
           c.occurred_at,
           c.occurred_at > %(until)s AS ahead,
           tried.failure,
           CASE
               WHEN q.conversion_id IS NOT NULL THEN 'waiting'
               WHEN tried.sent THEN 'sent'
               WHEN tried.target = 'sandbox'
                    AND (tried.status = 'success' OR tried.failure <> ALL (%(transient)s::text[]))
               THEN 'sandbox'
               WHEN tried.failure <> ALL (%(transient)s::text[]) THEN 'failed'
               WHEN tried.attempts IS NULL
                    AND (t.status <> 'active'
                         OR t.dispatch_policy = 'matched' AND a.strategy = 'unmatched'
                         OR c.occurred_at < %(arrives_at)s - trackai.longest_age(c.action_source))
               THEN 'not_due'
               ELSE 'unexplained'
           END AS place
    FROM trackai.conversions c
    JOIN trackai.tenants t ON t.id = c.tenant_id
    JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
    LEFT JOIN trackai.dispatch_queue q
        ON q.tenant_id = c.tenant_id AND q.occurred_at = c.occurred_at AND q.conversion_id = c.id
    LEFT JOIN (
        SELECT tenant_id,
               conversion_id,
               count(*) AS attempts,
               bool_or(status = 'success' AND target = 'meta') AS sent,
               (array_agg(target ORDER BY attempt DESC))[1] AS target,
               (array_agg(status ORDER BY attempt DESC))[1] AS status,
               (array_agg(failure ORDER BY attempt DESC))[1] AS failure
        FROM trackai.dispatch_attempts
        WHERE created_at >= %(since)s::timestamptz - interval '1 day'
        GROUP BY tenant_id, conversion_id
    ) tried ON tried.tenant_id = c.tenant_id AND tried.conversion_id = c.id
    WHERE c.occurred_at >= %(since)s
      AND (%(before)s::timestamptz IS NULL OR c.occurred_at < %(before)s)
      AND (%(tenant)s::text IS NULL OR t.slug = %(tenant)s)
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
