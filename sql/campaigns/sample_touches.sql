-- The touches of a tenant's sales of some UTC days, with the producers' ids, and how many keys were not followed; in order.
-- Index: the partitions of conversion_touchpoints, and the primary keys of conversions, clicks and conversion_journeys.
SELECT c.gateway_event_id, k.external_id, t.campaign_id, t.credit_matched = 1 AS matched, j.shared_keys
FROM trackai.conversion_touchpoints t
JOIN trackai.conversions c ON c.tenant_id = t.tenant_id AND c.id = t.conversion_id
JOIN trackai.conversion_journeys j ON j.tenant_id = t.tenant_id AND j.conversion_id = t.conversion_id
LEFT JOIN trackai.clicks k ON k.tenant_id = t.tenant_id AND k.id = t.click_id
WHERE t.tenant_id = %(tenant_id)s AND t.day BETWEEN %(from_day)s AND %(to_day)s
ORDER BY c.gateway_event_id, t.position
