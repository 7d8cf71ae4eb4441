-- Inserts the checks of the day %(day)s: each of %(users)s users of a hundred tenants checked each flag of have_days.sql three
-- times within three seconds.
WITH users AS MATERIALIZED (
    SELECT n, 'user-' || n AS user_id, trackai.flag_bucket('benchmark_day', 'user-' || n) AS bucket
    FROM generate_series(1, %(users)s) AS n
),
flags AS (
    SELECT v.flag_id, max(v.id) AS version
    FROM trackai.feature_flag_versions v
    WHERE v.flag_key LIKE 'benchmark\_day\_%%'
    GROUP BY v.flag_id
),
checks AS (
    -- Users come in an order of their own, not by tenant.
    SELECT u.*, f.*,
           (%(day)s::date + interval '86390 seconds' * (hashint8(u.n) & 1048575) / 1048576) AT TIME ZONE 'UTC' AS accessed_at
    FROM users u
    CROSS JOIN flags f
)
INSERT INTO trackai.feature_flag_usage
    (tenant_id, flag_id, user_id, app_type, accessed_at, last_accessed_at, value_used, checks, cache_hits, response_us,
     flag_version, variant_key, reason, bucket, external_id)
SELECT 't-flags-' || c.n %% 100, c.flag_id, c.user_id, 'web', c.accessed_at, c.accessed_at + interval '3 seconds',
       c.bucket < 5000, 3, 3, 12, c.version, CASE WHEN c.bucket < 5000 THEN 'on' ELSE 'off' END, 'SPLIT', c.bucket,
       'benchmark-' || c.flag_id || '-' || c.n
FROM checks c
ORDER BY c.accessed_at
