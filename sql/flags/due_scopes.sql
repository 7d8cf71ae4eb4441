-- Returns the scopes whose version in force was planned and is not written to the rows yet, with who planned it and why.
-- Index: feature_flag_versions' (flag_id, tenant_id, id) orders the periods, which are read whole: hundreds of rows.
-- Guarantees: a scope whose rows were changed past its history by anything but a plan is not among them.
SELECT f.key, f.id AS flag_id, p.tenant_id, p.version, a.changed_by, a.change_reason
FROM trackai.feature_flag_periods p
JOIN trackai.feature_flags f ON f.id = p.flag_id
JOIN trackai.feature_flag_audit_log a ON a.id = p.audit_id
WHERE p.effective_from <= %(now)s
  AND %(now)s < p.effective_to
  AND p.effective_from > p.recorded_at
  AND p.state IS DISTINCT FROM CASE WHEN p.tenant_id IS NULL THEN trackai.flag_state(p.flag_id)
                                    ELSE trackai.override_state(p.flag_id, p.tenant_id) END
ORDER BY p.version
