-- Returns the tenants with events on the queue and their circuits; the one with the least time left comes first.
-- Index: dispatch_queue's primary key, read once.
SELECT t.id AS tenant_id, t.slug, t.pixel_id, t.sent_event_id, t.limited_data_use, t.ldu_country, t.ldu_state,
       t.opt_out, t.test_event_code, t.status,
       coalesce(c.held_until > clock_timestamp(), false) AS held,
       coalesce(c.state, 'closed') AS state,
       coalesce(c.consecutive_failures, 0) AS consecutive_failures, c.opened_at, c.retry_at, c.reason,
       c.cooldown_seconds, c.wait_until, c.refusal
FROM (
    SELECT tenant_id, min(occurred_at) AS oldest FROM trackai.dispatch_queue GROUP BY tenant_id
) q
JOIN trackai.tenants t ON t.id = q.tenant_id
LEFT JOIN trackai.dispatch_circuits c ON c.tenant_id = q.tenant_id
ORDER BY q.oldest
