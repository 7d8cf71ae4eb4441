-- The checks of the sample's flags that are still here, and what they were answered. Reads the days' partitions of usage.
SELECT t.slug, f.key, u.user_id, u.accessed_at, u.variant_key
FROM trackai.feature_flag_usage u
JOIN trackai.feature_flags f ON f.id = u.flag_id
JOIN trackai.tenants t ON t.id = u.tenant_id
WHERE u.accessed_at >= %(from_time)s
  AND f.key = ANY (%(flags)s)
  AND t.slug = ANY (%(tenants)s)
  AND u.user_id IS NOT NULL
  AND u.variant_key IS NOT NULL
