-- Which of the given UTC days have checks that feature_flag_analytics does not count, and how many are missing or counted
-- too often. Indexes: partitions of feature_flag_usage, each read whole; idx_ffa_date.
-- Guarantees: only checks that can be counted: of flags and tenants that are there.
WITH used AS (
    SELECT (u.accessed_at AT TIME ZONE 'UTC')::date AS day, u.tenant_id, u.flag_id, sum(u.checks) AS checks
    FROM trackai.feature_flag_usage AS u
    JOIN trackai.feature_flags AS f ON f.id = u.flag_id
    JOIN trackai.tenants AS t ON t.id = u.tenant_id
    WHERE u.accessed_at >= (SELECT min(d.day) FROM unnest(%(days)s::date[]) AS d (day))::timestamp AT TIME ZONE 'UTC'
      AND u.accessed_at < (SELECT max(d.day) + 1 FROM unnest(%(days)s::date[]) AS d (day))::timestamp AT TIME ZONE 'UTC'
    GROUP BY 1, 2, 3
)
SELECT u.day, sum(abs(u.checks - coalesce(a.total_checks, 0)))::bigint AS missing
FROM used AS u
LEFT JOIN trackai.feature_flag_analytics AS a
    ON a.tenant_id = u.tenant_id AND a.flag_id = u.flag_id AND a.date = u.day
WHERE u.day = ANY(%(days)s)
  AND u.checks <> coalesce(a.total_checks, 0)
GROUP BY u.day
ORDER BY u.day
