-- Returns every flag that is not archived with its state in force, how many tenants override it, how many changes are
-- planned for it, and who changed it last.
-- Index: feature_flag_versions' (flag_id, tenant_id, id) orders the periods, which are read whole: hundreds of rows.
SELECT f.key, f.name, f.category, f.owner_email, f.permanent, f.expires_on,
       coalesce(present.state, trackai.flag_state(f.id)) AS state, coalesce(present.version, 0) AS version,
       coalesce(scopes.overrides, 0) AS overrides, coalesce(scopes.plans, 0) AS plans, last.changed_by, last.created_at
       AS changed_at
FROM trackai.feature_flags f
LEFT JOIN trackai.feature_flag_periods present
    ON present.flag_id = f.id AND present.tenant_id IS NULL
    AND present.effective_from <= %(now)s AND %(now)s < present.effective_to
LEFT JOIN (
    SELECT p.flag_id,
           count(*) FILTER (
               WHERE p.tenant_id IS NOT NULL AND p.state IS NOT NULL
                 AND p.effective_from <= %(now)s AND %(now)s < p.effective_to
           ) AS overrides,
           count(*) FILTER (WHERE p.effective_from > %(now)s) AS plans
    FROM trackai.feature_flag_periods p
    GROUP BY p.flag_id
) AS scopes ON scopes.flag_id = f.id
LEFT JOIN LATERAL (
    SELECT a.changed_by, a.created_at FROM trackai.feature_flag_audit_log a WHERE a.flag_id = f.id ORDER BY a.id DESC
    LIMIT 1
) AS last ON true
WHERE f.archived_at IS NULL
ORDER BY f.key
