-- The least that a day's aggregate must read: its conversions, counted and added up by group.
SELECT tenant_id, gateway, currency, count(*), sum(value)
FROM trackai.conversions
WHERE occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
  AND occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY 1, 2, 3
