-- Returns the steps of ramps that are held: the flag, the tenant's slug or NULL, the step, since when, and why.
-- Reads feature_flag_plans whole: a row for each step of a guarded ramp.
SELECT f.key, t.slug, p.step, p.decided_at, p.reason
FROM trackai.feature_flag_plans p
JOIN trackai.feature_flags f ON f.id = p.flag_id
LEFT JOIN trackai.tenants t ON t.id = p.tenant_id
WHERE p.state = 'held'
ORDER BY p.decided_at, p.id
