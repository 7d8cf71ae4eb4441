-- Finds the buyers of UTC days whose totals change (%(from_days)s on) who are not among the users who arrived; says how many.
-- Index: ab_test_outcomes_by_day.
WITH added AS (
    INSERT INTO pg_temp.touched_users (user_id, changed, in_all_tests)
    SELECT DISTINCT o.user_id, false, true
    FROM trackai.ab_test_outcomes o
    JOIN unnest(%(test_ids)s::bigint[], %(from_days)s::date[]) AS t (test_id, from_day)
        ON t.test_id = o.test_id AND o.day >= t.from_day
    WHERE o.tenant_id = %(tenant_id)s AND o.day >= %(first_day)s::date AND o.class = 'counted'
      AND NOT EXISTS (SELECT FROM pg_temp.arrived_users a WHERE a.test_id = o.test_id AND a.user_id = o.user_id)
    RETURNING 1
)
SELECT count(*) FROM added
