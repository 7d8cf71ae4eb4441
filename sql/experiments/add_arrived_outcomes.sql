-- Writes the outcomes of sales that arrived and of users who did, none of which is there any more. Returns of each test the
-- first UTC day whose totals these sales and users are in.
-- Indexes: those of the outcomes that it is given. Rows are written in the order of the primary key.
WITH outcomes AS MATERIALIZED (
    SELECT o.test_id, o.conversion_id, o.user_id, o.assigned_at, o.occurred_at, o.value, o.currency, o.class
    FROM {outcomes} o
    ORDER BY (o.test_id << 44) | o.conversion_id
),
written AS (
    INSERT INTO trackai.ab_test_outcomes
        (tenant_id, test_id, conversion_id, user_id, day, occurred_at, class, value, currency, computed_at)
    SELECT %(tenant_id)s, o.test_id, o.conversion_id, o.user_id, (o.occurred_at AT TIME ZONE 'UTC')::date, o.occurred_at,
           o.class, o.value, o.currency, %(now)s
    FROM outcomes o
)
SELECT d.test_id, min((d.at AT TIME ZONE 'UTC')::date) AS day
FROM (
    SELECT o.test_id, greatest(o.occurred_at, o.assigned_at) AS at
    FROM outcomes o
    WHERE o.class IN ('counted', 'before_assignment')
    UNION ALL
    SELECT u.test_id, u.assigned_at
    FROM pg_temp.arrived_users u
    WHERE u.arrived
) d
GROUP BY d.test_id
