-- What computing tests cannot do without: sales joined with users and assignments in the window, by test, variant and day, and
-- the assignments of each day. Returns rows and sales.
WITH sold AS (
    SELECT a.test_id, a.variant_assigned, (c.occurred_at AT TIME ZONE 'UTC')::date AS day, count(*) AS sales, sum(c.value) AS value
    FROM trackai.conversions c
    JOIN trackai.user_conversions l ON l.tenant_id = c.tenant_id AND l.conversion_id = c.id
    JOIN trackai.users u ON u.tenant_id = l.tenant_id AND u.id = l.user_id
    JOIN trackai.ab_test_assignments a ON a.tenant_id = u.tenant_id AND a.user_id = u.id
    WHERE c.tenant_id = 'cm2tests00000000000000000'
      AND c.occurred_at >= a.assigned_at AND c.occurred_at < a.assigned_at + interval '336 hours'
    GROUP BY a.test_id, a.variant_assigned, (c.occurred_at AT TIME ZONE 'UTC')::date
),
assigned AS (
    SELECT a.test_id, a.variant_assigned, (a.assigned_at AT TIME ZONE 'UTC')::date AS day, count(*) AS users
    FROM trackai.ab_test_assignments a
    WHERE a.tenant_id = 'cm2tests00000000000000000'
    GROUP BY a.test_id, a.variant_assigned, (a.assigned_at AT TIME ZONE 'UTC')::date
)
SELECT count(*), sum(s.sales)::bigint
FROM sold s
FULL JOIN assigned a ON a.test_id = s.test_id AND a.variant_assigned = s.variant_assigned AND a.day = s.day
