-- Returns all versions of a scope: a flag (tenant_id NULL), or a flag at a tenant. NULL for `effective_from` is the
-- beginning. Index: feature_flag_versions' (flag_id, tenant_id, id).
SELECT v.id, nullif(v.effective_from, '-infinity') AS effective_from, v.recorded_at, v.state
FROM trackai.feature_flag_versions v
WHERE v.flag_id = %(flag_id)s AND v.tenant_id IS NOT DISTINCT FROM %(tenant_id)s
ORDER BY v.id
