-- Feature flags: what checks say of them.

CREATE VIEW trackai.v_feature_flag_usage_summary AS
SELECT f.id, f.key, f.name, f.category, u.app_type,
       coalesce(sum(u.checks), 0)::bigint AS total_checks,
       count(DISTINCT row(u.tenant_id, u.user_id)) FILTER (WHERE u.user_id IS NOT NULL) AS unique_users,
       coalesce(sum(u.checks) FILTER (WHERE u.value_used), 0)::bigint AS enabled_count,
       coalesce(sum(u.checks) FILTER (WHERE NOT u.value_used), 0)::bigint AS disabled_count,
       coalesce(sum(u.checks) FILTER (WHERE u.value_used IS NULL), 0)::bigint AS error_count,
       max(u.last_accessed_at) AS last_accessed_at
FROM trackai.feature_flags f
LEFT JOIN trackai.feature_flag_usage u ON u.flag_id = f.id AND u.accessed_at >= now() - interval '30 days'
GROUP BY f.id, f.key, f.name, f.category, u.app_type;
COMMENT ON VIEW trackai.v_feature_flag_usage_summary IS 'Checks of the last 30 days by flag and app type; a flag without any has one row with 0, and no app type.';

CREATE VIEW trackai.v_flag_first_exposures AS
SELECT e.tenant_id, e.flag_id, f.key AS flag_key, e.salt, e.user_id,
       (array_agg(e.variant_key ORDER BY e.first_exposed_at, e.variant_key))[1] AS variant_key,
       min(e.first_exposed_at) AS first_exposed_at,
       count(DISTINCT e.variant_key) > 1 AS crossed
FROM trackai.feature_flag_exposures e
JOIN trackai.feature_flags f ON f.id = e.flag_id
GROUP BY e.tenant_id, e.flag_id, f.key, e.salt, e.user_id;
COMMENT ON VIEW trackai.v_flag_first_exposures IS 'The variant that each user was served first, and when; crossed: it was not the only one. Join user_conversions by tenant and user, and sales that occurred after it.';

CREATE VIEW trackai.v_stale_feature_flags AS
WITH flags AS (
    SELECT f.*
    FROM trackai.feature_flags f
    WHERE NOT f.permanent AND NOT f.killed AND f.archived_at IS NULL
),
bounds AS (
    SELECT ((now() AT TIME ZONE 'UTC')::date - 30) AS first_day,
           (now() AT TIME ZONE 'UTC')::date AS today,
           ((now() AT TIME ZONE 'UTC')::date - 30)::timestamp AT TIME ZONE 'UTC' AS since,
           now() - interval '30 days' AS long_ago
),
counted AS (
    SELECT a.flag_id,
           max(a.last_accessed_at) AS last_accessed_at,
           coalesce(sum(a.total_checks) FILTER (WHERE a.date >= b.first_day AND a.date < b.today), 0) AS checks_30d
    FROM trackai.feature_flag_analytics a
    CROSS JOIN bounds b
    GROUP BY a.flag_id
),
variants AS (
    SELECT a.flag_id, count(DISTINCT v.variant) AS variants
    FROM bounds b
    JOIN trackai.feature_flag_analytics a ON a.date >= b.first_day AND a.date < b.today
    CROSS JOIN LATERAL jsonb_object_keys(a.variants) AS v (variant)
    GROUP BY a.flag_id
),
-- Days that are not in the analytics yet.
uncounted AS (
    SELECT u.flag_id, max(u.last_accessed_at) AS last_accessed_at
    FROM trackai.feature_flag_usage u
    WHERE u.accessed_at >= coalesce(
        (SELECT (max(a.date) + 1)::timestamp AT TIME ZONE 'UTC' FROM trackai.feature_flag_analytics a), '-infinity'
    )
    GROUP BY u.flag_id
),
changes AS (
    SELECT v.flag_id,
           -- A version is a change when it is recorded, and when it comes into force.
           max(greatest(v.recorded_at, nullif(v.effective_from, 'infinity'))) AS changed_at
    FROM trackai.feature_flag_versions v
    GROUP BY v.flag_id
),
judged AS (
    SELECT f.key, f.owner_email, f.created_at, f.expires_on, b.today, b.since, b.long_ago, h.changed_at,
           greatest(c.last_accessed_at, u.last_accessed_at) AS last_checked_at,
           coalesce(c.checks_30d, 0)::bigint AS checks_30d,
           coalesce(n.variants, 0) AS variants,
           f.enabled AND f.rollout_percentage = 100
               AND NOT EXISTS (
                   SELECT FROM trackai.feature_flag_rollouts r
                   WHERE r.flag_id = f.id AND (r.active OR r.user_segment IS NULL)
               )
               AND NOT EXISTS (SELECT FROM trackai.feature_flag_prerequisites p WHERE p.flag_id = f.id)
               AND NOT EXISTS (
                   SELECT FROM trackai.feature_flag_overrides o
                   WHERE o.flag_id = f.id
                     AND (NOT coalesce(o.enabled, true) OR coalesce(o.rollout_percentage, 100) < 100
                          OR coalesce(o.killed, false) OR coalesce(o.value, f.on_value) <> f.on_value)
               ) AS is_fully_on
    FROM flags f
    CROSS JOIN bounds b
    LEFT JOIN counted c ON c.flag_id = f.id
    LEFT JOIN variants n ON n.flag_id = f.id
    LEFT JOIN uncounted u ON u.flag_id = f.id
    LEFT JOIN changes h ON h.flag_id = f.id
),
explained AS (
    SELECT j.*,
           CASE
               WHEN j.expires_on < j.today THEN 'overdue'
               WHEN j.last_checked_at IS NULL THEN CASE WHEN j.created_at <= j.long_ago THEN 'never_checked' END
               WHEN j.last_checked_at <= j.long_ago THEN 'not_checked'
               WHEN j.checks_30d >= 1000 AND j.variants = 1 AND j.changed_at < j.since THEN 'always_same'
               WHEN j.is_fully_on AND j.changed_at <= j.long_ago THEN 'fully_on'
           END AS why
    FROM judged j
)
SELECT e.key, e.why,
       CASE e.why
           WHEN 'overdue' THEN (e.expires_on + 1)::timestamp AT TIME ZONE 'UTC'
           WHEN 'never_checked' THEN e.created_at
           WHEN 'not_checked' THEN e.last_checked_at
           ELSE e.changed_at
       END AS since,
       e.checks_30d, e.last_checked_at, e.owner_email
FROM explained e
WHERE e.why IS NOT NULL;
COMMENT ON VIEW trackai.v_stale_feature_flags IS 'Flags that can probably go, each with the first reason that is true, and since when: overdue, never_checked, not_checked, always_same or fully_on. Permanent, killed and archived flags are none.';
