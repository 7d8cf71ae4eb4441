-- Writes a row of health for each of a test's days, with the users who are not analysed. Index: the primary key.
INSERT INTO trackai.ab_test_daily_health (tenant_id, test_id, day, excluded_users, computed_at)
SELECT %(tenant_id)s, %(test_id)s, d.day, d.excluded_users, %(now)s
FROM unnest(%(days)s::date[], %(excluded_users)s::jsonb[]) AS d (day, excluded_users)
