-- What matching made of one conversion: its attribution, the click, the settings of its moment as they are known now, and
-- whether it waits. Settings that are not made yet will be those of the tenant's columns.
-- Indexes: primary keys.
SELECT t.slug, t.status, coalesce(s.lookback_days, t.lookback_days) AS lookback_days,
       coalesce(s.email_matching, t.email_matching) AS email_matching, c.occurred_at, a.strategy, a.click_id,
       k.created_at AS clicked_at, k.utm_source, k.utm_campaign, q.cause AS queued
FROM trackai.conversions c
JOIN trackai.tenants t ON t.id = c.tenant_id
LEFT JOIN trackai.matching_settings s
    ON s.tenant_id = c.tenant_id AND s.effective_from <= c.occurred_at AND c.occurred_at < s.effective_to
LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
LEFT JOIN trackai.clicks k ON k.tenant_id = a.tenant_id AND k.id = a.click_id
LEFT JOIN trackai.match_queue q ON q.tenant_id = c.tenant_id AND q.conversion_id = c.id
WHERE c.tenant_id = %(tenant_id)s AND c.id = %(conversion_id)s
