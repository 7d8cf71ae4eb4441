-- A tenant's attributions of one strategy, decided on one UTC day, newest first.
-- Index: matched_attributions_by_strategy.
SELECT a.conversion_id, a.click_id, a.matched_at
FROM trackai.matched_attributions a
WHERE a.tenant_id = %(tenant_id)s
  AND a.strategy = %(strategy)s
  AND a.matched_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
  AND a.matched_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
ORDER BY a.matched_at DESC
