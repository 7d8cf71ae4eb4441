-- Versions after one, with what the scope was before, who recorded each and why; at most `most` of them.
-- Indexes: primary keys of feature_flag_versions and of the audit log; feature_flag_versions_by_scope.
-- Guarantees: in the order of commits, so the last one's id is a safe mark. NULL stands for -infinity.
SELECT v.id AS version, v.flag_key, t.slug AS tenant, nullif(v.effective_from, '-infinity') AS effective_from,
       v.recorded_at, v.state, b.state AS before, a.action, a.changed_by, a.change_reason
FROM trackai.feature_flag_versions AS v
LEFT JOIN LATERAL (
    SELECT e.state
    FROM trackai.feature_flag_versions AS e
    WHERE e.flag_id = v.flag_id AND e.tenant_id IS NOT DISTINCT FROM v.tenant_id AND e.id < v.id
    ORDER BY e.id DESC
    LIMIT 1
) AS b ON true
LEFT JOIN trackai.feature_flag_audit_log AS a ON a.id = v.audit_id
LEFT JOIN trackai.tenants AS t ON t.id = v.tenant_id
WHERE v.id > %(after)s
ORDER BY v.id
LIMIT %(most)s
