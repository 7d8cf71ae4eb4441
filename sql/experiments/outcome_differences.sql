-- Compares the outcomes of tests that are computed every night with the linked conversions of their users, as far as they
-- have been computed and the conversions are not anonymised; a row for each test and UTC day on which rows are missing,
-- or there are others: doubled, of another user, with other figures, or of no assigned user.
-- A row waits, and is no fault, where what it hangs on arrived after what the last computation worked in and after
-- %(overdue)s.
-- Indexes: idx_abt_status; hash joins and one aggregate over the conversions since the first test and the assignments.
-- Guarantees: read-only.
WITH tests AS MATERIALIZED (
    SELECT t.tenant_id, t.id AS test_id, t.test_key, t.start_date - t.pre_days * interval '24 hours' AS since,
           (d.day + 1)::timestamp AT TIME ZONE 'UTC' AS until, d.day AS last_day,
           greatest(n.scanned_to, %(overdue)s::timestamptz) AS settled_at
    FROM trackai.ab_tests t
    JOIN trackai.ab_test_scans n ON n.tenant_id = t.tenant_id AND n.test_id = t.id
    CROSS JOIN LATERAL (
        SELECT d.day
        FROM trackai.ab_test_daily_totals d
        WHERE d.tenant_id = t.tenant_id AND d.test_id = t.id
        ORDER BY d.day DESC
        LIMIT 1
    ) d
    WHERE t.status IN ('running', 'paused', 'completed')
),
linked AS MATERIALIZED (
    SELECT l.tenant_id, l.user_id, l.conversion_id, l.linked_at, c.occurred_at, c.value, c.currency
    FROM trackai.user_conversions l
    JOIN trackai.conversions c ON c.tenant_id = l.tenant_id AND c.id = l.conversion_id
    WHERE l.tenant_id IN (SELECT t.tenant_id FROM tests t)
      AND c.occurred_at >= (SELECT min(t.since) FROM tests t)
      AND c.anonymised_at IS NULL
),
differences AS (
    SELECT b.tenant_id, b.test_id, b.day, b.conversion_id, b.user_id, sum(b.rows) AS rows, max(b.arrived_at) AS arrived_at
    FROM (
        SELECT t.tenant_id, t.test_id, (l.occurred_at AT TIME ZONE 'UTC')::date AS day, l.conversion_id, l.user_id,
               l.occurred_at, l.value, l.currency, -1 AS rows, greatest(l.linked_at, a.created_at) AS arrived_at
        FROM tests t
        JOIN linked l ON l.tenant_id = t.tenant_id AND l.occurred_at >= t.since AND l.occurred_at < t.until
        JOIN trackai.ab_test_assignments a
            ON a.tenant_id = t.tenant_id AND a.test_id = t.test_id AND a.user_id = l.user_id
        UNION ALL
        SELECT o.tenant_id, o.test_id, o.day, o.conversion_id, o.user_id, o.occurred_at, o.value, o.currency, 1, NULL
        FROM tests t
        JOIN trackai.ab_test_outcomes o ON o.tenant_id = t.tenant_id AND o.test_id = t.test_id
        LEFT JOIN trackai.conversions c ON c.tenant_id = o.tenant_id AND c.id = o.conversion_id
        WHERE o.day <= t.last_day AND c.anonymised_at IS NULL
    ) b
    GROUP BY b.tenant_id, b.test_id, b.day, b.conversion_id, b.user_id, b.occurred_at, b.value, b.currency
    HAVING sum(b.rows) <> 0
),
judged AS (
    SELECT d.*,
           d.arrived_at > t.settled_at
           -- A sale that moved to another user, or lost its user, since.
           OR d.rows > 0 AND (
               EXISTS (
                   SELECT FROM trackai.user_conversions l
                   WHERE l.tenant_id = d.tenant_id AND l.conversion_id = d.conversion_id AND l.linked_at > t.settled_at
               )
               OR EXISTS (
                   SELECT FROM trackai.users u
                   WHERE u.tenant_id = d.tenant_id AND u.id = d.user_id AND u.changed_at > t.settled_at
               )
           ) AS waits
    FROM differences d
    JOIN tests t ON t.tenant_id = d.tenant_id AND t.test_id = d.test_id
)
SELECT s.slug AS tenant, t.test_key AS test, j.day,
       coalesce(sum(-j.rows) FILTER (WHERE j.rows < 0 AND j.waits IS NOT TRUE), 0)::bigint AS missing,
       coalesce(sum(j.rows) FILTER (WHERE j.rows > 0 AND j.waits IS NOT TRUE), 0)::bigint AS stray,
       count(*) FILTER (WHERE j.waits) AS waiting,
       min(j.conversion_id) FILTER (WHERE j.waits IS NOT TRUE) AS example
FROM judged j
JOIN tests t ON t.tenant_id = j.tenant_id AND t.test_id = j.test_id
JOIN trackai.tenants s ON s.id = j.tenant_id
GROUP BY s.slug, t.test_key, j.day
ORDER BY s.slug, t.test_key, j.day
