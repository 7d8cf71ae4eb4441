-- Returns the checks of each flag on each day of a period by variant, of one tenant or of all; the variant `error` are
-- those that failed. Index: idx_ffa_date.
SELECT f.key, a.date AS day, v.variant, sum(v.checks)::bigint AS checks
FROM trackai.feature_flag_analytics a
JOIN trackai.feature_flags f ON f.id = a.flag_id
JOIN trackai.tenants t ON t.id = a.tenant_id
CROSS JOIN LATERAL (
    SELECT j.key AS variant, j.value::bigint AS checks FROM jsonb_each_text(a.variants) AS j
    UNION ALL
    SELECT 'error', a.error_count WHERE a.error_count > 0
) AS v
WHERE a.date BETWEEN %(first)s AND %(last)s
  AND (%(tenant)s::text IS NULL OR t.slug = %(tenant)s)
GROUP BY f.key, a.date, v.variant
ORDER BY f.key, a.date, v.variant
