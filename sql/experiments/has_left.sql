-- Whether all assignments of a test that had users have left for the archive.
-- Index: the keys of ab_test_assignments and ab_test_daily_totals.
SELECT NOT EXISTS (
           SELECT FROM trackai.ab_test_assignments a WHERE a.tenant_id = %(tenant_id)s AND a.test_id = %(test_id)s
       ) AND EXISTS (
           SELECT
           FROM trackai.ab_test_daily_totals d
           WHERE d.tenant_id = %(tenant_id)s AND d.test_id = %(test_id)s AND d.users_count > 0
       )
