-- A test as it was known of a UTC day: its newest computed day up to %(day)s (NULL: the newest), the status then, the
-- decision in force by then, and the health of the day. No row where nothing was computed by then.
-- Index: the keys of ab_test_daily_totals, ab_test_decisions and ab_test_daily_health, ab_test_events_by_test.
-- Guarantees: read-only.
SELECT n.first_day, n.day, coalesce(e.to_status, t.status) AS status,
       d.decided_at, d.decision_day, d.kind, d.outcome, d.winner_variant, d.reason,
       h.srm_p_value, h.srm_p_value_before_exclusions, h.linkage_p_value, h.tracking_p_value,
       coalesce(h.excluded_users, '{}') AS excluded_users, coalesce(h.shared_users, '[]') AS shared_users,
       coalesce(h.novelty, '{}') AS novelty
FROM trackai.ab_tests t
CROSS JOIN LATERAL (
    SELECT min(n.day) AS first_day, max(n.day) AS day
    FROM trackai.ab_test_daily_totals n
    WHERE n.tenant_id = t.tenant_id AND n.test_id = t.id
      AND (%(day)s::date IS NULL OR n.day <= %(day)s::date)
) n
LEFT JOIN LATERAL (
    SELECT d.*
    FROM trackai.ab_test_decisions d
    WHERE d.tenant_id = t.tenant_id AND d.test_id = t.id AND d.decision_day <= n.day
    ORDER BY d.decided_at DESC, d.id DESC
    LIMIT 1
) d ON true
LEFT JOIN LATERAL (
    SELECT e.to_status
    FROM trackai.ab_test_events e
    WHERE e.tenant_id = t.tenant_id AND e.test_id = t.id AND %(day)s::date IS NOT NULL
      AND e.at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
    ORDER BY e.at DESC, e.id DESC
    LIMIT 1
) e ON true
LEFT JOIN trackai.ab_test_daily_health h ON h.tenant_id = t.tenant_id AND h.test_id = t.id AND h.day = n.day
WHERE t.tenant_id = %(tenant_id)s AND t.id = %(test_id)s AND n.day IS NOT NULL
