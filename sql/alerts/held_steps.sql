-- Returns the steps of ramps that are held: the id, the flag, the tenant's slug or NULL, the share, the guard, what was
-- measured, and since when the step is due. Reads feature_flag_plans whole, which has tens of rows.
SELECT p.id, f.key, t.slug, (p.change ->> 'rollout_percentage')::integer AS percentage, p.guard, p.measured, p.apply_at
FROM trackai.feature_flag_plans p
JOIN trackai.feature_flags f ON f.id = p.flag_id
LEFT JOIN trackai.tenants t ON t.id = p.tenant_id
WHERE p.state = 'held'
ORDER BY p.apply_at, p.id
