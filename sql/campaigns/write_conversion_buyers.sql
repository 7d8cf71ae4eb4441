-- Writes whose sale each conversion of a tenant's UTC day is, and renumbers the stored sales of the same buyers.
-- Returns the sales of other days that became or ceased to be first ones although no hash tells so any more: only this
-- statement knows that the figures of these days changed.
-- Indexes: the primary keys of conversion_buyers and conversions, conversions_by_day.
-- Guarantees: every conversion of the day has a row, with NULLs where the buyer is unknown.
-- (SELECT %(tenant_id)s) hides the tenant from the planner, which takes one that is newer than its statistics for one row.
WITH numbered AS (
    SELECT s.conversion_id, s.day, s.buyer_id, s.sale_number
    FROM buyer_sales s
    WHERE s.day = %(day)s OR s.stored_id IS NOT NULL
    UNION ALL
    SELECT c.id, %(day)s::date, NULL, NULL
    FROM trackai.conversions c
    WHERE c.tenant_id = (SELECT %(tenant_id)s)
      AND c.occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
      AND c.occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
      AND NOT EXISTS (SELECT FROM buyer_sales s WHERE s.conversion_id = c.id)
),
changed AS MATERIALIZED (
    -- Looked up one by one, whatever the planner expects. A row that stays the same is not even locked.
    SELECT n.conversion_id, n.day, n.buyer_id, n.sale_number, b.conversion_id IS NOT NULL AS stored,
           b.sale_number AS stored_number
    FROM numbered n
    LEFT JOIN LATERAL (
        SELECT x.conversion_id, x.day, x.buyer_id, x.sale_number
        FROM trackai.conversion_buyers x
        WHERE x.tenant_id = (SELECT %(tenant_id)s) AND x.conversion_id = n.conversion_id
        LIMIT 1
    ) b ON true
    WHERE b.conversion_id IS NULL
       OR (b.day, b.buyer_id, b.sale_number) IS DISTINCT FROM (n.day, n.buyer_id, n.sale_number)
),
written AS (
    INSERT INTO trackai.conversion_buyers (tenant_id, conversion_id, day, buyer_id, sale_number)
    SELECT %(tenant_id)s, n.conversion_id, n.day, n.buyer_id, n.sale_number
    FROM changed n
    ON CONFLICT (tenant_id, conversion_id) DO UPDATE
    SET day = excluded.day, buyer_id = excluded.buyer_id, sale_number = excluded.sale_number
    RETURNING conversion_id
)
SELECT w.day, w.conversion_id
FROM changed w
JOIN trackai.conversions c ON c.tenant_id = (SELECT %(tenant_id)s) AND c.id = w.conversion_id
WHERE w.day <> %(day)s
  AND w.stored
  AND (w.sale_number = 1) <> (w.stored_number = 1)
  AND trackai.buyer_contact(c.customer_email_hash, c.customer_phone_hash) IS NULL
