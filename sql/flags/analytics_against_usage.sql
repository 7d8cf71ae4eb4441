-- Tenants and flags whose analytics of a UTC day in %(days)s are not what the day's checks come to, counted the plain way.
-- Indexes: the days' partitions of feature_flag_usage, read whole, and idx_ffa_date. Guarantees: read-only. Checks of keys
-- that no flag has, and of flags and tenants that are gone, have no analytics. Erasing a person takes the user out of the
-- checks and leaves the counts: analytics may know of more users than the checks, and of no fewer.
WITH used AS (
    SELECT u.tenant_id, u.flag_id, (u.accessed_at AT TIME ZONE 'UTC')::date AS date,
           sum(u.checks) AS total_checks,
           coalesce(sum(u.checks) FILTER (WHERE u.value_used), 0) AS enabled_count,
           coalesce(sum(u.checks) FILTER (WHERE NOT u.value_used), 0) AS disabled_count,
           coalesce(sum(u.checks) FILTER (WHERE u.value_used IS NULL), 0) AS error_count,
           coalesce(sum(u.checks) FILTER (WHERE u.overflow), 0) AS overflow_checks,
           count(DISTINCT u.user_id) AS total_users,
           max(u.last_accessed_at) AS last_accessed_at
    FROM trackai.feature_flag_usage u
    JOIN trackai.feature_flags f ON f.id = u.flag_id
    JOIN trackai.tenants t ON t.id = u.tenant_id
    WHERE u.accessed_at >= (SELECT min(d) FROM unnest(%(days)s::date[]) AS d)::timestamp AT TIME ZONE 'UTC'
      AND u.accessed_at < (SELECT max(d) + 1 FROM unnest(%(days)s::date[]) AS d)::timestamp AT TIME ZONE 'UTC'
    GROUP BY 1, 2, 3
),
analysed AS (
    SELECT a.* FROM trackai.feature_flag_analytics a WHERE a.date = ANY (%(days)s::date[])
)
SELECT t.slug AS tenant, f.key AS flag, coalesce(u.date, a.date) AS day,
       coalesce(a.total_checks, 0)::bigint AS found, coalesce(u.total_checks, 0)::bigint AS expected
FROM used u
FULL JOIN analysed a ON a.tenant_id = u.tenant_id AND a.flag_id = u.flag_id AND a.date = u.date
JOIN trackai.tenants t ON t.id = coalesce(u.tenant_id, a.tenant_id)
JOIN trackai.feature_flags f ON f.id = coalesce(u.flag_id, a.flag_id)
WHERE coalesce(u.date, a.date) = ANY (%(days)s::date[])
  AND (
      (u.total_checks, u.enabled_count, u.disabled_count, u.error_count, u.overflow_checks, u.last_accessed_at)
      IS DISTINCT FROM
      (a.total_checks, a.enabled_count, a.disabled_count, a.error_count, a.overflow_checks, a.last_accessed_at)
      OR u.total_users > a.total_users
  )
ORDER BY 3, 1, 2
