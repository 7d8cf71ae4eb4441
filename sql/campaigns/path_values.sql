-- The value of a tenant's sales in the UTC days %(from_day)s to %(to_day)s by path, as campaigns/paths has it, and currency.
-- Sales without a value are worth 0 in any currency. {unit} is the column of touches.
-- Indexes: the primary keys of conversion_touchpoints, in the days' partitions, and of conversions.
SELECT j.units[greatest(cardinality(j.units) - 19, 1):] AS path, c.currency, sum(c.value) AS value
FROM (
    SELECT t.conversion_id, array_agg(t.{unit}::text ORDER BY t.position) AS units
    FROM trackai.conversion_touchpoints t
    WHERE t.tenant_id = %(tenant_id)s AND t.day BETWEEN %(from_day)s AND %(to_day)s
    GROUP BY t.conversion_id
) j
JOIN trackai.conversions c ON c.tenant_id = %(tenant_id)s AND c.id = j.conversion_id
WHERE c.value IS NOT NULL
GROUP BY path, c.currency
