-- Dispatch attempts before the UTC day %(before)s whose outcome is not known yet, by UTC day.
-- Index: dispatch_attempts_by_day.
SELECT (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS attempts
FROM trackai.dispatch_attempts
WHERE status = 'pending' AND created_at < %(before)s::date::timestamp AT TIME ZONE 'UTC'
  AND created_at >= '0001-01-01 00:00:00+00'
GROUP BY 1
