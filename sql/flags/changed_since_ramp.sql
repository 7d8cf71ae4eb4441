-- Returns the versions of a scope that were recorded after its ramp was planned, and by no step of a ramp.
-- Index: feature_flag_versions' (flag_id, tenant_id, id).
SELECT v.id
FROM trackai.feature_flag_versions v
WHERE v.flag_id = %(flag_id)s
  AND v.tenant_id IS NOT DISTINCT FROM %(tenant_id)s
  AND v.id > %(version)s
  AND NOT EXISTS (SELECT 1 FROM trackai.feature_flag_plans p WHERE p.flag_id = v.flag_id AND p.version = v.id)
