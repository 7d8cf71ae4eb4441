-- The changes of the sample's flags, and of its tenants' gates, that were recorded before the sample's end, each with its
-- row of the audit log. Reads the versions whole, and the audit log by its primary key.
SELECT v.flag_key, t.slug,
       to_char(nullif(v.effective_from, '-infinity') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS+00:00'),
       to_char(v.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS+00:00'), a.changed_by, a.change_reason
FROM trackai.feature_flag_versions v
JOIN trackai.feature_flag_audit_log a ON a.id = v.audit_id AND a.version = v.id
LEFT JOIN trackai.tenants t ON t.id = v.tenant_id
WHERE v.recorded_at < %(end)s
  AND (v.flag_key = ANY (%(flags)s) OR t.slug = ANY (%(tenants)s))
