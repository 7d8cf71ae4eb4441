-- Returns the changes of a period, the newest first: the flag, the tenant's slug or NULL, what it was and what it became,
-- from when where that was not at once, who and why; and how many there were. With a tenant, those of its own and those for
-- everyone. Reads the audit log whole: thousands of rows. Index: feature_flag_versions' (flag_id, tenant_id, id).
SELECT a.flag_key AS key, t.slug, a.action, before.state AS before, v.state AS after,
       a.version IS NOT NULL AS evaluated,
       CASE WHEN v.effective_from > v.recorded_at THEN v.effective_from END AS planned_for,
       CASE WHEN v.effective_from < v.recorded_at AND isfinite(v.effective_from) THEN v.effective_from END AS backdated_to,
       a.changed_by, a.change_reason, a.created_at, count(*) OVER () AS changes
FROM trackai.feature_flag_audit_log a
LEFT JOIN trackai.tenants t ON t.id = a.tenant_id
LEFT JOIN trackai.feature_flag_versions v ON v.id = a.version
LEFT JOIN LATERAL (
    SELECT p.state
    FROM trackai.feature_flag_versions p
    WHERE p.flag_id = v.flag_id
      AND p.tenant_id IS NOT DISTINCT FROM v.tenant_id
      AND p.id < v.id
      AND p.effective_from <= v.recorded_at
    ORDER BY p.id DESC
    LIMIT 1
) AS before ON true
WHERE a.created_at >= %(since)s AND a.created_at < %(before)s
  AND (%(tenant)s::text IS NULL OR a.tenant_id IS NULL OR t.slug = %(tenant)s)
  -- A new database has flags that nobody made.
  AND a.changed_by <> 'seed'
ORDER BY a.created_at DESC, a.id DESC
LIMIT %(most)s
