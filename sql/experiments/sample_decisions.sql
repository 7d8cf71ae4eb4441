-- What is in force about each test of a tenant: how it was decided, what, and the winner; NULL while it waits.
-- Index: the keys of ab_tests and ab_test_decisions. Guarantees: read-only.
SELECT t.test_key, d.kind, d.outcome, d.winner_variant
FROM trackai.ab_tests t
LEFT JOIN LATERAL (
    SELECT d.kind, d.outcome, d.winner_variant
    FROM trackai.ab_test_decisions d
    WHERE d.tenant_id = t.tenant_id AND d.test_id = t.id
    ORDER BY d.decided_at DESC, d.id DESC
    LIMIT 1
) d ON true
WHERE t.tenant_id = %(tenant_id)s
