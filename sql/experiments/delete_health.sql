-- Deletes what is known of a test's health from the UTC day %(from_day)s on. Index: the primary key.
DELETE FROM trackai.ab_test_daily_health d
WHERE d.tenant_id = %(tenant_id)s AND d.test_id = %(test_id)s AND d.day >= %(from_day)s
