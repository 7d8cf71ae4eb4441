-- What matching made of one conversion: its attribution, the click, its tenant's window, and whether it waits.
-- Indexes: primary keys.
SELECT t.slug, t.status, t.lookback_days, t.email_matching, c.occurred_at, a.strategy, a.click_id,
       k.created_at AS clicked_at, k.utm_source, k.utm_campaign, q.cause AS queued
FROM trackai.conversions c
JOIN trackai.tenants t ON t.id = c.tenant_id
LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
LEFT JOIN trackai.clicks k ON k.tenant_id = a.tenant_id AND k.id = a.click_id
LEFT JOIN trackai.match_queue q ON q.tenant_id = c.tenant_id AND q.conversion_id = c.id
WHERE c.tenant_id = %(tenant_id)s AND c.id = %(conversion_id)s
