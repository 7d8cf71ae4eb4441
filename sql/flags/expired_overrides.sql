-- Returns the overrides whose rows still stand long after their end: the flag, the tenant's slug, and the end.
-- Reads feature_flag_overrides whole: hundreds of rows.
SELECT f.key, t.slug, o.expires_at
FROM trackai.feature_flag_overrides o
JOIN trackai.feature_flags f ON f.id = o.flag_id
JOIN trackai.tenants t ON t.id = o.tenant_id
WHERE o.expires_at < %(before)s
ORDER BY o.expires_at, f.key, t.slug
