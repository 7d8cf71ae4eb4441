-- Tests that are computed every night and have no totals of the day before %(today)s, or, if they were completed, of the
-- day on which their last user's window was over.
-- Index: idx_abt_status, the key of ab_test_daily_totals. Guarantees: read-only.
SELECT s.slug AS tenant, t.test_key AS test,
       CASE WHEN d.last_day IS NULL THEN 'was never computed' ELSE 'was computed up to ' || d.last_day END AS what
FROM trackai.ab_tests t
JOIN trackai.tenants s ON s.id = t.tenant_id
CROSS JOIN LATERAL (
    SELECT least(
               (least(t.end_date, t.completed_at) AT TIME ZONE 'UTC')::date + t.window_days, %(today)s::date - 1
           ) AS needed
) n
LEFT JOIN LATERAL (
    SELECT max(d.day) AS last_day
    FROM trackai.ab_test_daily_totals d
    WHERE d.tenant_id = t.tenant_id AND d.test_id = t.id
) d ON true
WHERE t.status IN ('running', 'paused', 'completed')
  AND (greatest(t.start_date, t.started_at) AT TIME ZONE 'UTC')::date <= n.needed
  AND coalesce(d.last_day < n.needed, true)
ORDER BY s.slug, t.test_key
