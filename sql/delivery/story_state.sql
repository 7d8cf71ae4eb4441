-- Returns whether one conversion is due, whether it is queued, and what its tenant waits for. Indexes: primary keys.
SELECT t.slug, t.status, t.dispatch_policy, a.strategy, c.occurred_at, c.action_source, q.conversion_id IS NOT NULL AS queued,
       coalesce(h.held_until > clock_timestamp(), false) AS held,
       coalesce(h.state, 'closed') AS state,
       coalesce(h.consecutive_failures, 0) AS consecutive_failures, h.opened_at, h.retry_at, h.reason,
       h.cooldown_seconds, h.wait_until, h.refusal, q.not_before
FROM trackai.conversions c
JOIN trackai.tenants t ON t.id = c.tenant_id
LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
LEFT JOIN trackai.dispatch_queue q
    ON q.tenant_id = c.tenant_id AND q.occurred_at = c.occurred_at AND q.conversion_id = c.id
LEFT JOIN trackai.dispatch_circuits h ON h.tenant_id = c.tenant_id
WHERE c.tenant_id = %(tenant_id)s AND c.id = %(conversion_id)s
