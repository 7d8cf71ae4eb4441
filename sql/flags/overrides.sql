-- Returns the states of tenants that override a flag, in force or planned, with who recorded each and why.
-- Index: feature_flag_versions' (flag_id, tenant_id, id); the key of the audit log.
SELECT t.slug, p.version, p.state, nullif(p.effective_from, '-infinity') AS effective_from,
       nullif(p.effective_to, 'infinity') AS effective_to, a.changed_by, a.change_reason
FROM trackai.feature_flag_periods p
JOIN trackai.tenants t ON t.id = p.tenant_id
JOIN trackai.feature_flag_audit_log a ON a.id = p.audit_id
WHERE p.flag_id = %(flag_id)s
  AND p.effective_to > %(now)s
  AND p.state IS NOT NULL
ORDER BY t.slug, p.effective_from
