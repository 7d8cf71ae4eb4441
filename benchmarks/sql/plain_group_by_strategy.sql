-- The same with what became of each conversion.
SELECT c.tenant_id, c.gateway, c.currency, a.strategy, count(*), sum(c.value)
FROM trackai.conversions c
LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
WHERE c.occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
  AND c.occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY 1, 2, 3, 4
