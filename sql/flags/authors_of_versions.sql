-- Returns who recorded versions and why. Index: the keys of versions and of the audit log.
SELECT v.id, a.changed_by, a.change_reason
FROM trackai.feature_flag_versions v
JOIN trackai.feature_flag_audit_log a ON a.id = v.audit_id
WHERE v.id = ANY (%(versions)s)
