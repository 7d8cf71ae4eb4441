-- The different answers that checks of the UTC day %(day)s got by a bucket, with how often.
-- Index: the day's partition, read whole. Guarantees: read-only; hashed users, who cannot be put into a bucket again, are
-- one group.
SELECT t.slug AS tenant, u.flag_id, u.flag_version, u.override_version, u.user_segment, u.bucket, u.variant_key,
       CASE WHEN u.user_id LIKE 'sha256:%%' THEN NULL ELSE u.user_id END AS user_id,
       sum(u.checks)::bigint AS checks
FROM trackai.feature_flag_usage u
JOIN trackai.tenants t ON t.id = u.tenant_id
WHERE u.bucket IS NOT NULL
  AND u.accessed_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
  AND u.accessed_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
