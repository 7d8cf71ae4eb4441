-- Deletes the totals of a test from the UTC day %(from_day)s on. Index: the primary key.
DELETE FROM trackai.ab_test_daily_totals d
WHERE d.tenant_id = %(tenant_id)s AND d.test_id = %(test_id)s AND d.day >= %(from_day)s
