-- Returns the circuits of active tenants that are open while events wait behind them: tenant, since when, how many events
-- wait, and the reason, which quotes Meta's own message, masked.
-- Index: none, there is a row for each tenant; dispatch_queue's primary key.
SELECT t.slug, c.opened_at, waiting.events, coalesce(c.reason, 'no reason was recorded') AS reason
FROM trackai.dispatch_circuits c
JOIN trackai.tenants t ON t.id = c.tenant_id
CROSS JOIN LATERAL (SELECT count(*) AS events FROM trackai.dispatch_queue q WHERE q.tenant_id = c.tenant_id) waiting
WHERE c.state <> 'closed' AND c.opened_at IS NOT NULL AND t.status = 'active' AND waiting.events > 0
ORDER BY c.opened_at, t.slug
