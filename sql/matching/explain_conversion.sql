-- One conversion with its attribution, its click and its tenant's window: what `trackai explain` tells first.
-- Indexes: tenants' keys, conversions' (tenant_id, gateway, gateway_event_id), primary keys.
SELECT c.tenant_id, c.id, t.slug, t.status, t.lookback_days, t.email_matching, c.order_id, c.value, c.currency,
       c.occurred_at, c.created_at,
       trackai.click_key(c.fbc, c.fbclid) AS click_key, trackai.browser_key(c.fbp) AS browser_key,
       c.customer_email_hash IS NOT NULL AS has_email,
       a.strategy, a.matched_at, a.click_id,
       k.created_at AS clicked_at, k.utm_source, k.utm_campaign,
       q.cause AS queued
FROM trackai.tenants t
JOIN trackai.conversions c ON c.tenant_id = t.id
LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
LEFT JOIN trackai.clicks k ON k.tenant_id = a.tenant_id AND k.id = a.click_id
LEFT JOIN trackai.match_queue q ON q.tenant_id = c.tenant_id AND q.conversion_id = c.id
WHERE (t.slug = %(tenant)s OR t.id = %(tenant)s)
  AND c.gateway = %(gateway)s
  AND c.gateway_event_id = %(event_id)s
