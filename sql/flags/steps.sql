-- Returns the guarded steps of a flag or of all (NULL), of one tenant's ramp where that is asked, in order: those that are
-- not decided, or all of them. Reads feature_flag_plans whole, which has tens of rows.
SELECT p.id, f.id AS flag_id, f.key, p.tenant_id, t.slug, p.step, p.apply_at, p.change, p.guard, p.state, p.measured,
       p.reason, p.version, p.created_by, p.created_at, p.decided_at
FROM trackai.feature_flag_plans p
JOIN trackai.feature_flags f ON f.id = p.flag_id
LEFT JOIN trackai.tenants t ON t.id = p.tenant_id
WHERE (%(flag_id)s::bigint IS NULL OR p.flag_id = %(flag_id)s)
  AND (%(decided)s OR p.state IN ('planned', 'held'))
ORDER BY f.key, t.slug, p.created_at, p.step
