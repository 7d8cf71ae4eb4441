-- For each test that is computed every night: its counted conversions, how many of them are distinct, and the same split
-- by how they were attributed (pending: not yet) and by where their event is. A conversion that is neither attributed nor
-- on the queue is in no part of the first split; an event that was accepted under two ids is twice in the second.
-- Index: the keys of ab_test_outcomes, matched_attributions, match_queue and past_deliveries; dispatch_attempts_by_conversion,
-- and dispatch_queue as a whole. Guarantees: one snapshot sees all of them; read-only.
WITH counted AS MATERIALIZED (
    SELECT o.tenant_id, o.test_id, o.conversion_id, o.occurred_at
    FROM trackai.ab_tests t
    JOIN trackai.ab_test_outcomes o ON o.tenant_id = t.tenant_id AND o.test_id = t.id
    WHERE t.status IN ('running', 'paused', 'completed') AND o.class = 'counted'
),
placed AS (
    SELECT c.tenant_id, c.test_id, c.conversion_id,
           CASE WHEN a.strategy IS NOT NULL THEN a.strategy WHEN m.conversion_id IS NOT NULL THEN 'pending' END AS strategy,
           CASE
               WHEN d.accepted > 0 THEN 'accepted'
               WHEN p.conversion_id IS NOT NULL THEN 'accepted'
               WHEN q.waiting OR d.pending THEN 'waiting'
               WHEN d.attempts > 0 THEN 'failed'
               ELSE 'not due'
           END AS place,
           greatest(d.accepted, 1) AS events
    FROM counted c
    LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.conversion_id
    LEFT JOIN trackai.match_queue m ON m.tenant_id = c.tenant_id AND m.conversion_id = c.conversion_id
    LEFT JOIN trackai.past_deliveries p ON p.tenant_id = c.tenant_id AND p.conversion_id = c.conversion_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS attempts,
               count(DISTINCT d.event_id) FILTER (WHERE d.status = 'success') AS accepted,
               coalesce(bool_or(d.status = 'pending'), false) AS pending
        FROM trackai.dispatch_attempts d
        WHERE d.tenant_id = c.tenant_id AND d.conversion_id = c.conversion_id
    ) d
    CROSS JOIN LATERAL (
        SELECT EXISTS (
            SELECT FROM trackai.dispatch_queue q
            WHERE q.tenant_id = c.tenant_id AND q.occurred_at = c.occurred_at AND q.conversion_id = c.conversion_id
        ) AS waiting
    ) q
)
SELECT s.slug AS tenant, t.test_key AS test, n.counted, n.distinct_conversions,
       n.fbc, n.fbp, n.email, n.unmatched, n.pending, n.accepted, n.waiting, n.failed, n.not_due
FROM (
    SELECT p.tenant_id, p.test_id, count(*) AS counted, count(DISTINCT p.conversion_id) AS distinct_conversions,
           count(*) FILTER (WHERE p.strategy = 'fbc') AS fbc,
           count(*) FILTER (WHERE p.strategy = 'fbp') AS fbp,
           count(*) FILTER (WHERE p.strategy = 'email') AS email,
           count(*) FILTER (WHERE p.strategy = 'unmatched') AS unmatched,
           count(*) FILTER (WHERE p.strategy = 'pending') AS pending,
           coalesce(sum(p.events) FILTER (WHERE p.place = 'accepted'), 0)::bigint AS accepted,
           count(*) FILTER (WHERE p.place = 'waiting') AS waiting,
           count(*) FILTER (WHERE p.place = 'failed') AS failed,
           count(*) FILTER (WHERE p.place = 'not due') AS not_due
    FROM placed p
    GROUP BY p.tenant_id, p.test_id
) n
JOIN trackai.ab_tests t ON t.tenant_id = n.tenant_id AND t.id = n.test_id
JOIN trackai.tenants s ON s.id = n.tenant_id
ORDER BY s.slug, t.test_key
