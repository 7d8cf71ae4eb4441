-- Deletes a locked draft, with its guardrails and events. Index: the key of ab_tests, with which theirs begin.
DELETE FROM trackai.ab_tests WHERE tenant_id = %(tenant_id)s AND id = %(test_id)s
