-- What delivery still has to do with these conversions: rows of the queue, and attempts without an answer.
-- `due` is false for what Meta has accepted already and nobody asked for again.
-- Indexes: primary keys of conversions and dispatch_queue, dispatch_attempts_by_conversion.
SELECT q.conversion_id IS NOT NULL AS queued,
       coalesce(tried.pending, false) AS pending,
       coalesce(tried.attempts, 0) AS attempts,
       coalesce(q.resend, false) OR tried.sent IS NOT TRUE AS due,
       q.keys,
       q.event_id,
       c.id, c.gateway, c.gateway_event_id, c.order_id, c.event_name, c.value, c.currency, c.occurred_at
FROM trackai.conversions c
LEFT JOIN trackai.dispatch_queue q
    ON q.tenant_id = c.tenant_id AND q.occurred_at = c.occurred_at AND q.conversion_id = c.id
CROSS JOIN LATERAL (
    SELECT max(d.attempt) AS attempts, bool_or(d.status = 'pending') AS pending, bool_or(d.status = 'success' AND d.target = 'meta') AS sent
    FROM trackai.dispatch_attempts d
    WHERE d.tenant_id = c.tenant_id AND d.conversion_id = c.id
) tried
WHERE c.tenant_id = %(tenant_id)s
  AND c.id = ANY (%(conversion_ids)s)
  AND (q.conversion_id IS NOT NULL OR tried.pending)
