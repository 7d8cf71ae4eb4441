-- Returns the sales that were held back since %(since)s as the same event as another sale of their gateway, and not sent
-- since, oldest first: the tenant's slug, the gateway, the event, and the one that it is the same event as.
-- Indexes: dispatch_attempts_by_day, dispatch_attempts_by_conversion, dedupe_registry's unique key, primary keys.
SELECT t.slug, c.gateway, c.gateway_event_id, o.gateway_event_id AS same_event_as
FROM trackai.dispatch_attempts d
JOIN trackai.dedupe_registry r ON r.tenant_id = d.tenant_id AND r.event_id = d.event_id
JOIN trackai.conversions c ON c.tenant_id = d.tenant_id AND c.id = d.conversion_id
JOIN trackai.conversions o ON o.tenant_id = r.tenant_id AND o.id = r.conversion_id
JOIN trackai.tenants t ON t.id = d.tenant_id
WHERE d.created_at >= %(since)s
  AND d.failure = 'duplicate_event'
  AND o.gateway = c.gateway
  AND o.id <> c.id
  AND NOT EXISTS (
      SELECT FROM trackai.dispatch_attempts later
      WHERE later.tenant_id = d.tenant_id AND later.conversion_id = d.conversion_id AND later.attempt > d.attempt
  )
ORDER BY d.created_at, d.conversion_id
