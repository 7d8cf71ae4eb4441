-- Deletes the outcomes of sales that arrived and of users who did, but for those of sales that are anonymised: they could
-- not be made again. Returns of each test the first UTC day whose totals they are in.
-- Indexes: none is needed; outcomes are read once and joined by hashes.
WITH changed AS MATERIALIZED (
    SELECT o.test_id, o.conversion_id, o.class, greatest(o.day, (u.assigned_at AT TIME ZONE 'UTC')::date) AS day
    FROM trackai.ab_test_outcomes o
    LEFT JOIN pg_temp.arrived_sales s ON s.conversion_id = o.conversion_id AND s.arrived
    LEFT JOIN pg_temp.arrived_users u ON u.test_id = o.test_id AND u.user_id = o.user_id
    WHERE o.tenant_id = %(tenant_id)s AND o.test_id = ANY(%(test_ids)s::bigint[])
      AND (s.conversion_id IS NOT NULL OR u.arrived)
),
deleted AS (
    DELETE FROM trackai.ab_test_outcomes o
    USING changed d
    WHERE o.tenant_id = %(tenant_id)s AND o.test_id = d.test_id AND o.conversion_id = d.conversion_id
      AND NOT EXISTS (
          SELECT
          FROM trackai.conversions c
          WHERE c.tenant_id = %(tenant_id)s AND c.id = o.conversion_id AND c.anonymised_at IS NOT NULL
      )
)
SELECT d.test_id, min(d.day) AS day
FROM changed d
WHERE d.class IN ('counted', 'before_assignment')
GROUP BY d.test_id
