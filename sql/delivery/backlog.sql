-- Counts the events on the queue by tenant, with the circuit that the tenant waits for; sales in the future (after
-- %(until)s) are counted apart, and of the others those that are set aside until later than that.
-- Index: dispatch_queue's primary key, read once.
SELECT t.slug, t.status, coalesce(t.pixel_id, '') <> '' AS has_pixel, q.ahead, q.events, q.set_aside, q.oldest,
       coalesce(c.held_until > clock_timestamp(), false) AS held,
       coalesce(c.state, 'closed') AS state,
       coalesce(c.consecutive_failures, 0) AS consecutive_failures, c.opened_at, c.retry_at, c.reason,
       c.cooldown_seconds, c.wait_until, c.refusal
FROM (
    SELECT tenant_id,
           occurred_at > %(until)s AS ahead,
           count(*) AS events,
           count(*) FILTER (WHERE not_before > %(until)s) AS set_aside,
           min(occurred_at) AS oldest
    FROM trackai.dispatch_queue
    GROUP BY tenant_id, ahead
) q
JOIN trackai.tenants t ON t.id = q.tenant_id
LEFT JOIN trackai.dispatch_circuits c ON c.tenant_id = q.tenant_id
ORDER BY q.oldest, t.slug
