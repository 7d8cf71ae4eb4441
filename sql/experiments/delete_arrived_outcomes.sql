-- Deletes the outcomes of sales that arrived and of users who did, but for those of sales that are anonymised: they could
-- not be made again. Returns of each test the first UTC day whose totals they are in.
-- Indexes: the primary key, where each sale that may have an outcome is looked up: most are new and have none. Outcomes
-- are read once where a user lost other hashes, and with them sales that nothing leads to any more (replaced_at).
WITH named AS MATERIALIZED (
    -- A sale that arrived may have been another user's.
    SELECT t.test_id, s.conversion_id
    FROM pg_temp.arrived_sales s
    CROSS JOIN unnest(%(test_ids)s::bigint[]) AS t (test_id)
    WHERE s.arrived
    UNION ALL
    SELECT u.test_id, s.conversion_id
    FROM pg_temp.arrived_users u
    JOIN pg_temp.arrived_sales s ON s.user_id = u.user_id
    WHERE u.arrived AND NOT s.arrived
),
replaced AS MATERIALIZED (
    SELECT u.id
    FROM trackai.users u
    WHERE u.tenant_id = %(tenant_id)s AND u.changed_at >= %(since)s AND u.replaced_at >= %(since)s
),
stored AS MATERIALIZED (
    SELECT o.test_id, o.conversion_id, o.user_id, o.class, o.day
    FROM named n
    CROSS JOIN LATERAL (
        SELECT f.test_id, f.conversion_id, f.user_id, f.class, f.day
        FROM trackai.ab_test_outcomes f
        WHERE f.tenant_id = %(tenant_id)s AND f.test_id = n.test_id AND f.conversion_id = n.conversion_id
        OFFSET 0
    ) o
    UNION
    SELECT o.test_id, o.conversion_id, o.user_id, o.class, o.day
    FROM trackai.ab_test_outcomes o
    WHERE (SELECT EXISTS (SELECT FROM replaced)) AND o.tenant_id = %(tenant_id)s
      AND o.test_id = ANY(%(test_ids)s::bigint[]) AND o.user_id IN (SELECT r.id FROM replaced r)
),
deleted AS (
    DELETE FROM trackai.ab_test_outcomes o
    USING stored d
    WHERE o.tenant_id = %(tenant_id)s AND o.test_id = d.test_id AND o.conversion_id = d.conversion_id
      AND NOT EXISTS (
          SELECT
          FROM trackai.conversions c
          WHERE c.tenant_id = %(tenant_id)s AND c.id = o.conversion_id AND c.anonymised_at IS NOT NULL
      )
)
SELECT d.test_id, min(greatest(d.day, (u.assigned_at AT TIME ZONE 'UTC')::date)) AS day
FROM stored d
LEFT JOIN pg_temp.arrived_users u ON u.test_id = d.test_id AND u.user_id = d.user_id
WHERE d.class IN ('counted', 'before_assignment')
GROUP BY d.test_id
