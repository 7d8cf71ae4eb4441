-- Returns the versions of a flag, of all its scopes or of one tenant's, with who recorded each and why, whether it is ever
-- in force, and until when. NULL stands for -infinity and infinity.
-- Index: feature_flag_versions' (flag_id, tenant_id, id); the key of the audit log.
SELECT v.id, v.tenant_id, t.slug, nullif(v.effective_from, '-infinity') AS effective_from, v.recorded_at, v.state,
       a.action, a.changed_by, a.change_reason, p.version IS NOT NULL AS ever_in_force,
       nullif(p.effective_to, 'infinity') AS effective_to
FROM trackai.feature_flag_versions v
JOIN trackai.feature_flag_audit_log a ON a.id = v.audit_id
LEFT JOIN trackai.feature_flag_periods p ON p.version = v.id AND p.flag_id = v.flag_id
LEFT JOIN trackai.tenants t ON t.id = v.tenant_id
WHERE v.flag_id = %(flag_id)s
  AND (%(tenant_id)s::text IS NULL OR v.tenant_id = %(tenant_id)s)
ORDER BY v.id
