-- Creators of a tenant whose windows do not follow each other from enrolment without gap or overlap, or whose sums, as known
-- now, are not that of the ledger; sums of a thirtieth of the creators, another one each day.
-- Indexes: the primary keys, and sales_ledger_by_day for the sums.
WITH windows AS MATERIALIZED (
    SELECT c.user_id, c.period_start_date AS starts, c.period_end_date AS ends
    FROM trackai.tier_checkpoints c
    WHERE c.tenant_id = %(tenant_id)s AND c.period_end_date IS NOT NULL
    UNION ALL
    SELECT m.user_id, m.window_start, NULL
    FROM trackai.loyalty_members m
    WHERE m.tenant_id = %(tenant_id)s AND m.current_tier IS NOT NULL
),
bounds AS (
    SELECT m.user_id, m.enrolled_on, w.starts, w.ends,
           lag(w.ends) OVER (PARTITION BY m.user_id ORDER BY w.starts) AS ended,
           lag(w.starts) OVER (PARTITION BY m.user_id ORDER BY w.starts) IS NULL AS is_first
    FROM trackai.loyalty_members m
    JOIN windows w ON w.user_id = m.user_id
    WHERE m.tenant_id = %(tenant_id)s
)
SELECT b.user_id, 'a window begins on ' || b.starts || ', and the one before ends on ' || coalesce(b.ended::text, 'no day') AS said
FROM bounds b
WHERE NOT b.is_first AND b.starts IS DISTINCT FROM b.ended
UNION ALL
SELECT b.user_id, 'the first window begins on ' || b.starts || ', and enrolment was on ' || b.enrolled_on
FROM bounds b
WHERE b.is_first AND b.starts IS DISTINCT FROM b.enrolled_on
UNION ALL
SELECT m.user_id, 'windows have ' || coalesce(w.amount, 0) || ' and ' || coalesce(w.units, 0) || ' units, and the ledger has '
                  || coalesce(l.amount, 0) || ' and ' || coalesce(l.units, 0)
FROM trackai.loyalty_members m
CROSS JOIN LATERAL (
    SELECT sum(e.amount) AS amount, sum(e.units) AS units
    FROM trackai.sales_ledger e
    WHERE e.tenant_id = m.tenant_id AND e.user_id = m.user_id AND e.sale_day >= m.enrolled_on
) AS l
CROSS JOIN LATERAL (
    SELECT sum(e.amount) AS amount, sum(e.units) AS units
    FROM windows w
    JOIN trackai.sales_ledger e
        ON e.tenant_id = m.tenant_id AND e.user_id = w.user_id AND e.sale_day >= w.starts
       AND (w.ends IS NULL OR e.sale_day < w.ends)
    WHERE w.user_id = m.user_id
) AS w
WHERE m.tenant_id = %(tenant_id)s AND m.current_tier IS NOT NULL
  AND mod(abs(hashtext(m.user_id)::bigint), 30) = mod(%(day)s::date - '2000-01-01'::date, 30)
  AND (l.amount, l.units) IS DISTINCT FROM (w.amount, w.units)
