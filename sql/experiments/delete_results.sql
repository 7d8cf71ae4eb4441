-- Deletes the results of a test from a day on, before they are written again.
-- Index: the key of ab_test_daily_results.
DELETE FROM trackai.ab_test_daily_results
WHERE tenant_id = %(tenant_id)s AND test_id = %(test_id)s AND day >= %(from_day)s
