-- Flags, and flags at a tenant, that are not as their version in force says, and versions without their one row of the
-- audit log: what was written past triggers and commands. Rows may be behind a planned change for ten minutes
-- (apply_flag_plans), and rows of the audit log may have left after two years.
-- Indexes: feature_flag_versions' (flag_id, tenant_id, id) orders the periods, UNIQUE (audit_id) and the audit log's
-- primary key. Catalogue and history are read whole; scopes are compared with = so that they can be hashed.
-- Guarantees: read-only.
WITH in_force AS (
    SELECT p.* FROM trackai.feature_flag_periods p WHERE p.effective_from <= %(now)s AND %(now)s < p.effective_to
),
scopes AS (
    SELECT f.id AS flag_id, f.key AS flag_key, NULL::text AS tenant_id, trackai.flag_state(f.id) AS state
    FROM trackai.feature_flags f
    UNION ALL
    SELECT f.id, f.key, o.tenant_id, trackai.override_state(f.id, o.tenant_id)
    FROM (
        SELECT v.flag_id, v.tenant_id FROM trackai.feature_flag_versions v WHERE v.tenant_id IS NOT NULL
        UNION
        SELECT o.flag_id, o.tenant_id FROM trackai.feature_flag_overrides o
        UNION
        SELECT r.flag_id, r.tenant_id FROM trackai.feature_flag_rollouts r WHERE r.tenant_id IS NOT NULL
    ) o
    JOIN trackai.feature_flags f ON f.id = o.flag_id
)
SELECT s.flag_key AS flag, t.slug AS tenant,
       CASE WHEN p.version IS NULL THEN 'has no version that is in force'
            ELSE 'is not as version ' || p.version || ' says' END AS what
FROM scopes s
LEFT JOIN in_force p ON p.flag_id = s.flag_id AND coalesce(p.tenant_id, '') = coalesce(s.tenant_id, '')
LEFT JOIN trackai.tenants t ON t.id = s.tenant_id
WHERE s.state IS DISTINCT FROM p.state
  AND NOT coalesce(p.effective_from > p.recorded_at AND p.effective_from > %(now)s - interval '10 minutes', false)
UNION ALL
SELECT v.flag_key, t.slug,
       CASE WHEN a.id IS NULL THEN 'version ' || v.id || ' has no row of the audit log'
            ELSE 'version ' || v.id || ' has a row of the audit log that is of something else' END
FROM trackai.feature_flag_versions v
LEFT JOIN trackai.feature_flag_audit_log a ON a.id = v.audit_id
LEFT JOIN trackai.tenants t ON t.id = v.tenant_id
WHERE (a.id IS NULL AND v.recorded_at > %(now)s - interval '2 years')
   OR (a.version, a.flag_id, a.tenant_id) IS DISTINCT FROM (v.id, v.flag_id, v.tenant_id) AND a.id IS NOT NULL
UNION ALL
SELECT a.flag_key, t.slug, 'row ' || a.id || ' of the audit log names version ' || a.version || ', which is not its own'
FROM trackai.feature_flag_audit_log a
LEFT JOIN trackai.feature_flag_versions v ON v.id = a.version AND v.audit_id = a.id
LEFT JOIN trackai.tenants t ON t.id = a.tenant_id
WHERE a.version IS NOT NULL AND v.id IS NULL
ORDER BY 1, 2, 3
