-- Deletes the outcomes of sales that arrived and of users who did, but for those of sales that are anonymised: they could
-- not be made again. Returns of each test the first UTC day whose totals they are in.
-- Indexes: the primary key, where each sale is looked up that happened on a day which was computed before: later ones have
-- no outcome yet. Outcomes are read once where a user lost other hashes, and with them sales that nothing leads to any
-- more (replaced_at).
WITH computed AS MATERIALIZED (
    SELECT t.test_id, t.until
    FROM unnest(%(test_ids)s::bigint[], %(computed_until)s::timestamptz[]) AS t (test_id, until)
),
named AS MATERIALIZED (
    -- A sale that arrived may have been another user's.
    SELECT t.test_id, s.conversion_id, s.anonymised
    FROM pg_temp.arrived_sales s
    CROSS JOIN computed t
    WHERE s.arrived AND s.occurred_at < t.until
    UNION ALL
    SELECT u.test_id, s.conversion_id, s.anonymised
    FROM pg_temp.arrived_users u
    JOIN pg_temp.arrived_sales s ON s.user_id = u.user_id
    JOIN computed t ON t.test_id = u.test_id
    WHERE u.arrived AND NOT s.arrived AND s.occurred_at < t.until
),
replaced AS MATERIALIZED (
    SELECT u.id
    FROM trackai.users u
    WHERE u.tenant_id = %(tenant_id)s AND u.changed_at >= %(since)s AND u.replaced_at >= %(since)s
),
stored AS MATERIALIZED (
    SELECT o.place, o.test_id, o.user_id, o.class, o.day, n.anonymised
    FROM named n
    CROSS JOIN LATERAL (
        SELECT f.ctid AS place, f.test_id, f.user_id, f.class, f.day
        FROM trackai.ab_test_outcomes f
        WHERE f.tenant_id = %(tenant_id)s AND f.test_id = n.test_id AND f.conversion_id = n.conversion_id
        OFFSET 0
    ) o
    UNION ALL
    SELECT o.ctid, o.test_id, o.user_id, o.class, o.day, coalesce(c.anonymised, false)
    FROM trackai.ab_test_outcomes o
    LEFT JOIN LATERAL (
        SELECT f.anonymised_at IS NOT NULL AS anonymised
        FROM trackai.conversions f
        WHERE f.tenant_id = %(tenant_id)s AND f.id = o.conversion_id
        OFFSET 0
    ) c ON true
    WHERE (SELECT EXISTS (SELECT FROM replaced)) AND o.tenant_id = %(tenant_id)s
      AND o.test_id = ANY(%(test_ids)s::bigint[]) AND o.user_id IN (SELECT r.id FROM replaced r)
),
deleted AS (
    DELETE FROM trackai.ab_test_outcomes o
    WHERE o.ctid = ANY (ARRAY(SELECT d.place FROM stored d WHERE NOT d.anonymised))
)
SELECT d.test_id, min(greatest(d.day, (u.assigned_at AT TIME ZONE 'UTC')::date)) AS day
FROM stored d
LEFT JOIN pg_temp.arrived_users u ON u.test_id = d.test_id AND u.user_id = d.user_id
WHERE d.class IN ('counted', 'before_assignment')
GROUP BY d.test_id
