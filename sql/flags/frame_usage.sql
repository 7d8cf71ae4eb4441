-- The checks of a flag on the UTC days %(from_day)s to %(to_day)s, folded as they were written.
-- Reads the partitions of the days whole.
SELECT t.slug AS tenant, u.accessed_at, u.last_accessed_at, u.user_id, u.app_type, u.variant_key, u.user_segment,
       u.reason, u.error_code, u.value_used, u.checks, u.cache_hits, u.response_us, u.flag_version, u.override_version,
       u.bucket, u.overflow
FROM trackai.feature_flag_usage AS u
JOIN trackai.tenants AS t ON t.id = u.tenant_id
WHERE u.flag_id = %(flag_id)s
  AND u.accessed_at >= %(from_day)s::date::timestamp AT TIME ZONE 'UTC'
  AND u.accessed_at < (%(to_day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
ORDER BY u.accessed_at, t.slug, u.external_id
