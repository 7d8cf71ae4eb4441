-- Returns the scopes whose state in force, or a planned one, names a segment. Reads the periods whole: hundreds of rows.
SELECT DISTINCT p.flag_key, t.slug
FROM trackai.feature_flag_periods p
LEFT JOIN trackai.tenants t ON t.id = p.tenant_id
WHERE p.effective_to > %(now)s
  AND p.state -> 'segments' ? %(name)s
  AND NOT coalesce((p.state ->> 'archived')::boolean, false)
  AND (p.tenant_id IS NULL OR t.id IS NOT NULL)
ORDER BY p.flag_key, t.slug
