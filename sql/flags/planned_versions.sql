-- Returns the versions that come into force after now, of a flag or of all (NULL), with who planned them.
-- Index: feature_flag_versions' (flag_id, tenant_id, id) orders the periods, which are read whole: hundreds of rows.
SELECT p.flag_key, t.slug, p.version, p.state, p.effective_from, a.changed_by, a.change_reason
FROM trackai.feature_flag_periods p
JOIN trackai.feature_flag_audit_log a ON a.id = p.audit_id
LEFT JOIN trackai.tenants t ON t.id = p.tenant_id
WHERE p.effective_from > %(now)s
  AND (%(flag_id)s::bigint IS NULL OR p.flag_id = %(flag_id)s)
ORDER BY p.effective_from, p.version
