-- Which of the UTC days %(days)s have dispatch attempts whose outcome is not known yet, and how many.
-- Index: dispatch_attempts_by_day, a look-up a day, because the days may lie far apart.
SELECT d.day, a.attempts
FROM unnest(%(days)s::date[]) AS d (day)
CROSS JOIN LATERAL (
    SELECT count(*) AS attempts
    FROM trackai.dispatch_attempts a
    WHERE a.status = 'pending'
      AND a.created_at >= d.day::timestamp AT TIME ZONE 'UTC'
      AND a.created_at < (d.day + 1)::timestamp AT TIME ZONE 'UTC'
) a
WHERE a.attempts > 0
