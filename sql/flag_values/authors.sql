-- Who recorded each of these versions, and why; NULL where the row of the audit log has left.
-- Indexes: primary keys of feature_flag_versions and feature_flag_audit_log.
SELECT v.id, a.changed_by, a.change_reason
FROM trackai.feature_flag_versions AS v
LEFT JOIN trackai.feature_flag_audit_log AS a ON a.id = v.audit_id
WHERE v.id = ANY(%(versions)s)
