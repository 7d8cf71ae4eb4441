-- Writes who was served which variant on one UTC day, for flags whose exposures are kept; returns what the day has now.
-- Reads the day's partition whole, versions by their primary key, and the day's exposures by
-- feature_flag_exposures_of_all_by_day.
-- Guarantees: a row for each user and variant, as the partition says; others of these flags go. Repeating it changes
-- nothing. What is off without a bucket (disabled, or at 0 percent) is no exposure. The salt is that of the version that
-- served; of uploaded checks, which name none, the flag's own.
-- (SELECT %(day)s) hides the day from the planner, which takes one that is newer than its statistics for one row.
WITH served AS MATERIALIZED (
    SELECT u.tenant_id,
           u.flag_id,
           coalesce(v.state ->> 'salt', f.salt, f.key) AS salt,
           u.user_id,
           u.variant_key,
           min(u.accessed_at) AS first_exposed_at,
           sum(u.checks)::bigint AS checks
    FROM {partition} AS u
    JOIN trackai.feature_flags AS f ON f.id = u.flag_id AND f.track_exposures
    JOIN trackai.tenants AS t ON t.id = u.tenant_id
    LEFT JOIN trackai.feature_flag_versions AS v ON v.id = u.flag_version
    WHERE u.user_id IS NOT NULL
      AND u.variant_key IS NOT NULL
      AND (u.variant_key <> 'off' OR u.bucket IS NOT NULL)
    GROUP BY u.tenant_id, u.flag_id, 3, u.user_id, u.variant_key
),
gone AS (
    DELETE FROM trackai.feature_flag_exposures AS e
    USING trackai.feature_flags AS f
    WHERE e.date = (SELECT %(day)s::date)
      AND f.id = e.flag_id
      AND f.track_exposures
      AND NOT EXISTS (
          SELECT FROM served AS s
          WHERE (s.tenant_id, s.flag_id, s.salt, s.user_id, s.variant_key)
                = (e.tenant_id, e.flag_id, e.salt, e.user_id, e.variant_key)
      )
),
written AS (
    INSERT INTO trackai.feature_flag_exposures AS e (
        tenant_id, flag_id, salt, user_id, date, variant_key, first_exposed_at, checks
    )
    SELECT s.tenant_id, s.flag_id, s.salt, s.user_id, %(day)s::date, s.variant_key, s.first_exposed_at, s.checks
    FROM served AS s
    ON CONFLICT (tenant_id, flag_id, salt, user_id, date, variant_key) DO UPDATE
    SET first_exposed_at = excluded.first_exposed_at, checks = excluded.checks
    WHERE (e.first_exposed_at, e.checks) IS DISTINCT FROM (excluded.first_exposed_at, excluded.checks)
    RETURNING 1
)
SELECT count(*) AS rows,
       count(DISTINCT row(s.tenant_id, s.user_id)) AS users,
       coalesce(sum(s.checks), 0)::bigint AS checks,
       (SELECT count(*) FROM written) AS changed
FROM served AS s
