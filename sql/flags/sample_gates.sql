-- How many sales of each tenant of the sample have each value of the gates that matching reads. Index: conversions_by_day,
-- and the key of matching_settings.
SELECT t.slug, e.gate, e.value, count(*)
FROM trackai.conversions c
JOIN trackai.tenants t ON t.id = c.tenant_id
JOIN trackai.gate_exposures e ON e.tenant_id = c.tenant_id AND e.conversion_id = c.id
WHERE c.occurred_at >= %(first_sale)s
  AND c.occurred_at < %(end)s
  AND t.slug = ANY (%(tenants)s)
GROUP BY t.slug, e.gate, e.value
