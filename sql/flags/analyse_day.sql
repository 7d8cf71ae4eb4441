-- Counts the checks of one UTC day by tenant and flag, and writes the difference to feature_flag_analytics; returns what
-- the day has now. Reads the day's partition twice, whole, and feature_flag_analytics by idx_ffa_date.
-- Guarantees: a row for each tenant and flag with a check, as the partition says; rows of others go. Repeating it changes
-- nothing. A user who was erased since still counts, as long as the day's checks are the same. Checks of keys that no
-- flag has, of flags that are deleted and of tenants that are gone have no row.
-- (SELECT %(day)s) hides the day from the planner, which takes one that is newer than its statistics for one row.
WITH by_variant AS (
    SELECT k.tenant_id,
           k.flag_id,
           k.variant_key,
           sum(k.checks) AS checks,
           coalesce(sum(k.checks) FILTER (WHERE k.value_used), 0) AS enabled,
           coalesce(sum(k.checks) FILTER (WHERE NOT k.value_used), 0) AS disabled,
           coalesce(sum(k.checks) FILTER (WHERE k.value_used IS NULL), 0) AS errors,
           coalesce(sum(k.checks) FILTER (WHERE k.overflow), 0) AS overflow,
           sum(k.cache_hits) AS cache_hits,
           sum(k.response_us) AS response_us,
           sum(k.checks) FILTER (WHERE k.response_us IS NOT NULL) AS measured,
           max(k.last_accessed_at) AS last_accessed_at
    FROM {partition} AS k
    GROUP BY k.tenant_id, k.flag_id, k.variant_key
),
users AS (
    SELECT d.tenant_id, d.flag_id, count(*) AS users
    FROM (
        SELECT DISTINCT k.tenant_id, k.flag_id, k.user_id FROM {partition} AS k WHERE k.user_id IS NOT NULL
    ) AS d
    GROUP BY d.tenant_id, d.flag_id
),
counted AS MATERIALIZED (
    SELECT v.tenant_id,
           v.flag_id,
           sum(v.checks)::bigint AS total_checks,
           sum(v.enabled)::bigint AS enabled_count,
           sum(v.disabled)::bigint AS disabled_count,
           sum(v.errors)::bigint AS error_count,
           sum(v.overflow)::bigint AS overflow_checks,
           sum(v.response_us)::double precision / 1000 / sum(v.measured)::double precision AS avg_response_time_ms,
           100 * sum(v.cache_hits)::double precision / sum(v.checks)::double precision AS cache_hit_rate,
           max(v.last_accessed_at) AS last_accessed_at,
           coalesce(
               jsonb_object_agg(v.variant_key, v.checks::bigint) FILTER (WHERE v.variant_key IS NOT NULL), '{{}}'
           ) AS variants
    FROM by_variant AS v
    -- Joined to the few groups, and not to each check.
    JOIN trackai.feature_flags AS f ON f.id = v.flag_id
    JOIN trackai.tenants AS t ON t.id = v.tenant_id
    GROUP BY v.tenant_id, v.flag_id
),
gone AS (
    DELETE FROM trackai.feature_flag_analytics AS a
    WHERE a.date = (SELECT %(day)s::date)
      AND NOT EXISTS (SELECT FROM counted AS c WHERE c.tenant_id = a.tenant_id AND c.flag_id = a.flag_id)
),
written AS (
    INSERT INTO trackai.feature_flag_analytics AS a (
        tenant_id, flag_id, date, total_users, total_checks, enabled_count, disabled_count, error_count,
        avg_response_time_ms, cache_hit_rate, overflow_checks, last_accessed_at, variants, created_at
    )
    SELECT c.tenant_id, c.flag_id, %(day)s::date,
           greatest(coalesce(u.users, 0), b.total_users), c.total_checks, c.enabled_count,
           c.disabled_count, c.error_count, c.avg_response_time_ms, c.cache_hit_rate, c.overflow_checks,
           c.last_accessed_at, c.variants, %(now)s
    FROM counted AS c
    LEFT JOIN users AS u ON u.tenant_id = c.tenant_id AND u.flag_id = c.flag_id
    LEFT JOIN trackai.feature_flag_analytics AS b
        ON b.tenant_id = c.tenant_id AND b.flag_id = c.flag_id AND b.date = (SELECT %(day)s::date) AND b.total_checks = c.total_checks
    ON CONFLICT (tenant_id, flag_id, date) DO UPDATE
    SET total_users = excluded.total_users,
        total_checks = excluded.total_checks,
        enabled_count = excluded.enabled_count,
        disabled_count = excluded.disabled_count,
        error_count = excluded.error_count,
        avg_response_time_ms = excluded.avg_response_time_ms,
        cache_hit_rate = excluded.cache_hit_rate,
        overflow_checks = excluded.overflow_checks,
        last_accessed_at = excluded.last_accessed_at,
        variants = excluded.variants
    WHERE (a.total_users, a.total_checks, a.enabled_count, a.disabled_count, a.error_count, a.avg_response_time_ms,
           a.cache_hit_rate, a.overflow_checks, a.last_accessed_at, a.variants)
          IS DISTINCT FROM (
              excluded.total_users, excluded.total_checks, excluded.enabled_count, excluded.disabled_count,
              excluded.error_count, excluded.avg_response_time_ms, excluded.cache_hit_rate, excluded.overflow_checks,
              excluded.last_accessed_at, excluded.variants
          )
    RETURNING 1
)
SELECT count(*) AS rows,
       coalesce(sum(c.total_checks), 0)::bigint AS checks,
       coalesce(sum(c.enabled_count), 0)::bigint AS enabled,
       coalesce(sum(c.disabled_count), 0)::bigint AS disabled,
       coalesce(sum(c.error_count), 0)::bigint AS errors,
       coalesce(sum(c.overflow_checks), 0)::bigint AS overflow,
       (SELECT count(*) FROM written) AS changed
FROM counted AS c
