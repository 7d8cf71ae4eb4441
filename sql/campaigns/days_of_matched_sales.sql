-- Returns the UTC days of a tenant's sales %(conversion_ids)s that are matched, in order; %(days)s are the days of all of
-- them. Index: the primary key of conversion_touchpoints' partitions; only those of these days are planned.
SELECT DISTINCT t.day
FROM trackai.conversion_touchpoints t
WHERE t.tenant_id = %(tenant_id)s
  AND t.conversion_id = ANY(%(conversion_ids)s::bigint[])
  AND t.position = 1
  AND t.day = ANY(%(days)s::date[])
ORDER BY t.day
