-- Adds the users who were assigned on UTC days whose totals change (%(from_days)s on), or whose window ends on them.
-- Index: ab_test_assignments_by_day. Who was assigned earlier than the first row says, and of whom anything arrived after
-- %(since)s, is there already.
WITH tests AS MATERIALIZED (
    SELECT t.test_id, t.from_day::timestamp AT TIME ZONE 'UTC' AS since,
           (t.from_day - t.window_days)::timestamp AT TIME ZONE 'UTC' AS mature_since,
           t.until - t.window_days * interval '24 hours' AS mature_until
    FROM unnest(
        %(test_ids)s::bigint[], %(from_days)s::date[], %(outcomes_until)s::timestamptz[], %(window_days)s::integer[]
    ) AS t (test_id, from_day, until, window_days)
)
INSERT INTO pg_temp.arrived_users (test_id, user_id, variant_name, assigned_at, exclusion, arrived)
SELECT u.test_id, u.user_id, u.variant_name, u.assigned_at, u.exclusion, false
FROM (
    SELECT u.test_id, u.user_id, u.variant_name, u.assigned_at, u.exclusion
    FROM trackai.ab_test_users_as_known(
        %(tenant_id)s, %(since)s, %(first_day)s::date::timestamp AT TIME ZONE 'UTC', NULL
    ) u
    JOIN tests t ON t.test_id = u.test_id AND u.assigned_at >= t.since
    UNION ALL
    SELECT u.test_id, u.user_id, u.variant_name, u.assigned_at, u.exclusion
    FROM trackai.ab_test_users_as_known(
        %(tenant_id)s, %(since)s, %(mature_from)s::date::timestamp AT TIME ZONE 'UTC', %(mature_until)s
    ) u
    JOIN tests t ON t.test_id = u.test_id AND u.assigned_at >= t.mature_since AND u.assigned_at < least(t.mature_until, t.since)
) u
WHERE NOT EXISTS (SELECT FROM pg_temp.arrived_users a WHERE a.test_id = u.test_id AND a.user_id = u.user_id)
