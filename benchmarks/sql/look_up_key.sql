-- The conversion with an idempotency key (tenant, gateway, event id), unless it is decided: its id, its keys, its window.
-- Index: the unique key of conversions, then the primary keys of tenants and matched_attributions.
SELECT c.id,
       trackai.click_key(c.fbc, c.fbclid) AS click_key,
       trackai.browser_key(c.fbp) AS browser_key,
       c.occurred_at - t.lookback_days * interval '24 hours' AS after,
       c.occurred_at + interval '5 minutes' AS until
FROM trackai.conversions c
JOIN trackai.tenants t ON t.id = c.tenant_id
WHERE c.tenant_id = %s AND c.gateway = %s AND c.gateway_event_id = %s
  AND NOT EXISTS (
      SELECT 1 FROM trackai.matched_attributions a WHERE a.tenant_id = c.tenant_id AND a.conversion_id = c.id
  )
