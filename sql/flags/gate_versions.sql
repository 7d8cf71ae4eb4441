-- Returns the versions of the gates %(keys)s for all tenants and for one, with who recorded each and why. NULL stands for
-- -infinity.
-- Index: feature_flag_versions' (flag_id, tenant_id, id), the keys of feature_flags and of the audit log.
-- Guarantees: a version whose row of the audit log is in the archive has nobody and no reason.
SELECT v.id, v.flag_id, v.flag_key, t.slug AS tenant, nullif(v.effective_from, '-infinity') AS effective_from,
       v.recorded_at, v.state, a.changed_by, a.change_reason
FROM trackai.feature_flags f
JOIN trackai.feature_flag_versions v
    ON v.flag_id = f.id AND (v.tenant_id IS NULL OR v.tenant_id = %(tenant_id)s)
LEFT JOIN trackai.tenants t ON t.id = v.tenant_id
LEFT JOIN trackai.feature_flag_audit_log a ON a.id = v.audit_id
WHERE f.key = ANY (%(keys)s::text[])
