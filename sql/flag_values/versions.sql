-- The recorded states of flags and tenants after a version, 0 for all, with the tenant's slug. -infinity is NULL.
-- Index: feature_flag_versions' primary key.
-- Guarantees: none of a tenant that is gone.
SELECT v.id,
       v.flag_id,
       v.flag_key,
       t.slug AS tenant,
       nullif(v.effective_from, '-infinity') AS effective_from,
       v.recorded_at,
       v.state
FROM trackai.feature_flag_versions AS v
LEFT JOIN trackai.tenants AS t ON t.id = v.tenant_id
WHERE v.id > %(after)s
  AND (v.tenant_id IS NULL OR t.id IS NOT NULL)
