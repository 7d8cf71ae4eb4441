-- Returns the currency of most of a tenant's sales in some time that a test would count, with how many they are.
-- Index: conversions_by_day, whose blocks it reads, then the keys of links and attributions.
SELECT c.currency
FROM trackai.conversions c
JOIN trackai.user_conversions l ON l.tenant_id = c.tenant_id AND l.conversion_id = c.id
LEFT JOIN trackai.matched_attributions m ON m.tenant_id = c.tenant_id AND m.conversion_id = c.id
WHERE c.tenant_id = %(tenant_id)s AND c.occurred_at >= %(since)s AND c.occurred_at < %(until)s
  AND c.event_name = %(outcome_event)s AND c.currency IS NOT NULL
  AND (%(outcome_scope)s = 'all' OR m.strategy <> 'unmatched')
GROUP BY c.currency
ORDER BY count(*) DESC, c.currency
LIMIT 1
