-- Puts the attributed sales of active tenants that happened from %(from_day)s to before %(to_day)s (UTC) on the queue,
-- unless they are there, are older than Meta takes, or were accepted by Meta; %(resend)s queues accepted ones, too.
-- Index: conversions_by_day, primary keys, dispatch_attempts_by_conversion. Guarantees: an event that is accepted while
-- this runs leaves the queue unsent, because a claim checks again.
INSERT INTO trackai.dispatch_queue (tenant_id, occurred_at, conversion_id, attempts, resend)
SELECT c.tenant_id, c.occurred_at, c.id, coalesce(tried.attempts, 0), tried.sent IS TRUE
FROM trackai.conversions c
JOIN trackai.tenants t ON t.id = c.tenant_id
JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
CROSS JOIN LATERAL (
    SELECT max(d.attempt) AS attempts, bool_or(d.status = 'success' AND d.target = 'meta') AS sent
    FROM trackai.dispatch_attempts d
    WHERE d.tenant_id = c.tenant_id AND d.conversion_id = c.id
) tried
WHERE c.occurred_at >= %(from_day)s::date::timestamp AT TIME ZONE 'UTC'
  AND c.occurred_at < %(to_day)s::date::timestamp AT TIME ZONE 'UTC'
  AND c.occurred_at >= %(arrives_at)s - trackai.longest_age(c.action_source)
  AND t.status = 'active'
  AND (t.dispatch_policy = 'all' OR a.strategy <> 'unmatched')
  AND (%(resend)s OR tried.sent IS NOT TRUE)
ON CONFLICT DO NOTHING
