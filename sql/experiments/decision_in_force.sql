-- Returns the decision of a test that was in force at %(known_at)s: the newest then. Index: the key of ab_test_decisions.
SELECT d.decision_day, d.horizon_day, d.kind, d.outcome, d.winner_variant, d.reason, d.inputs
FROM trackai.ab_test_decisions d
WHERE d.tenant_id = %(tenant_id)s AND d.test_id = %(test_id)s AND d.decided_at <= %(known_at)s
ORDER BY d.decided_at DESC, d.id DESC
LIMIT 1
