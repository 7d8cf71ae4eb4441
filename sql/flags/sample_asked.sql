-- What the web application of the sample was answered for the badge. Reads the partitions of usage since the sample's end.
SELECT DISTINCT t.slug, u.user_id, u.variant_key
FROM trackai.feature_flag_usage u
JOIN trackai.feature_flags f ON f.id = u.flag_id
JOIN trackai.tenants t ON t.id = u.tenant_id
WHERE u.accessed_at >= %(end)s
  AND u.app_type = 'web'
  AND f.key = %(badge)s
  AND t.slug = ANY (%(tenants)s)
