-- Counts events of the tenants %(slugs)s that failed for good in attempts later than %(after)s, by reason, with a
-- message.
-- An event that failed and is on the queue is retried, and is not counted. Index: primary keys of dispatch_attempts and
-- dispatch_queue.
SELECT t.slug, d.failure, count(*) AS events, min(d.message) AS message
FROM trackai.tenants t
JOIN trackai.dispatch_attempts d ON d.tenant_id = t.id AND d.id > %(after)s AND d.status = 'failed' AND d.target = 'meta'
JOIN trackai.conversions c ON c.tenant_id = d.tenant_id AND c.id = d.conversion_id
WHERE t.slug = ANY (%(slugs)s)
  AND NOT EXISTS (
      SELECT FROM trackai.dispatch_queue q
      WHERE q.tenant_id = d.tenant_id AND q.occurred_at = c.occurred_at AND q.conversion_id = d.conversion_id
  )
  AND NOT EXISTS (
      SELECT FROM trackai.dispatch_attempts later
      WHERE later.tenant_id = d.tenant_id AND later.conversion_id = d.conversion_id AND later.attempt > d.attempt
  )
GROUP BY t.slug, d.failure
ORDER BY t.slug, events DESC, d.failure
