-- The UTC days from %(from_day)s to %(to_day)s whose users and outcomes have left for the archive and are not back, by table; and
-- %(to_day)s where a test had users and has no assignment any more, whatever became of them.
-- Index: the keys of archives, ab_test_assignments and ab_test_daily_totals.
SELECT a.table_name, a.day
FROM trackai.archives a
WHERE a.table_name IN ('ab_test_assignments', 'ab_test_reassignments', 'ab_test_outcomes')
  AND a.state <> 'restored' AND a.dropped_at IS NOT NULL
  AND a.day >= %(from_day)s AND a.day <= %(to_day)s
UNION
SELECT 'ab_test_assignments', %(to_day)s
WHERE NOT EXISTS (
    SELECT FROM trackai.ab_test_assignments u WHERE u.tenant_id = %(tenant_id)s AND u.test_id = %(test_id)s
) AND EXISTS (
    SELECT
    FROM trackai.ab_test_daily_totals d
    WHERE d.tenant_id = %(tenant_id)s AND d.test_id = %(test_id)s AND d.users_count > 0
)
ORDER BY table_name, day
