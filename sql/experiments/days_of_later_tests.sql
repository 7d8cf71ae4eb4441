-- Returns the UTC days, by {time}, from %(first)s to %(last)s, that have rows of tests which are not archived, or were on
-- %(before)s or later. Indexes: the table's by day, where it has one; ab_test_events_by_test. Tests are few, and looked at
-- once each.
SELECT DISTINCT (u.{time} AT TIME ZONE 'UTC')::date
FROM {table} u
JOIN trackai.ab_tests t ON t.tenant_id = u.tenant_id AND t.id = u.test_id
WHERE u.{time} >= %(first)s::date::timestamp AT TIME ZONE 'UTC'
  AND u.{time} < (%(last)s::date + 1)::timestamp AT TIME ZONE 'UTC'
  AND (
      t.status <> 'archived'
      OR EXISTS (
          SELECT FROM trackai.ab_test_events e
          WHERE e.tenant_id = t.tenant_id AND e.test_id = t.id AND e.action = 'archive'
            AND e.at >= %(before)s::date::timestamp AT TIME ZONE 'UTC'
      )
  )
