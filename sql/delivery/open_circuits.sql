-- Returns the circuits that are not closed, of active tenants with a pixel, the longest open first, and whether events
-- wait behind them. Index: none, there is a row for each tenant; dispatch_queue's primary key.
SELECT t.slug, c.opened_at, EXISTS (SELECT FROM trackai.dispatch_queue q WHERE q.tenant_id = t.id) AS waits, c.reason
FROM trackai.dispatch_circuits c
JOIN trackai.tenants t ON t.id = c.tenant_id
WHERE c.state <> 'closed' AND t.status = 'active' AND t.pixel_id <> ''
ORDER BY c.opened_at, t.slug
