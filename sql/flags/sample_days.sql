-- What the days of checks of the sample's flags come to. Index: idx_ffa_date.
SELECT t.slug, f.key, a.date::text, a.total_users, a.total_checks, a.enabled_count, a.disabled_count, a.error_count,
       a.variants
FROM trackai.feature_flag_analytics a
JOIN trackai.feature_flags f ON f.id = a.flag_id
JOIN trackai.tenants t ON t.id = a.tenant_id
WHERE a.date BETWEEN %(from_day)s AND %(to_day)s
  AND f.key = ANY (%(flags)s)
  AND t.slug = ANY (%(tenants)s)
