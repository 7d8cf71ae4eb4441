-- Tests that are not archived whose decision in force took the place of another one: late data changed what was decided.
-- Index: idx_abt_status, the key of ab_test_decisions. Guarantees: read-only.
SELECT s.slug AS tenant, t.test_key AS test, d.was AS before, d.day_before, d.is_now AS now, d.decided_at, d.reason
FROM trackai.ab_tests t
JOIN trackai.tenants s ON s.id = t.tenant_id
CROSS JOIN LATERAL (
    SELECT lag(concat_ws(' ', d.outcome, d.winner_variant)) OVER in_order AS was,
           lag(d.decision_day) OVER in_order AS day_before,
           concat_ws(' ', d.outcome, d.winner_variant) AS is_now, d.decided_at, d.reason
    FROM trackai.ab_test_decisions d
    WHERE d.tenant_id = t.tenant_id AND d.test_id = t.id
    WINDOW in_order AS (ORDER BY d.decided_at, d.id)
    ORDER BY d.decided_at DESC, d.id DESC
    LIMIT 1
) d
WHERE t.status IN ('running', 'paused', 'completed') AND d.was IS NOT NULL
ORDER BY s.slug, t.test_key
