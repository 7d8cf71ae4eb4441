-- What is wanted of a tenant's adjustments less what is posted of them; returns how many differ. An adjustment without a
-- day counts on the local day on which it was made.
-- Indexes: sales_adjustments' primary key, sales_ledger's unique key.
WITH rules AS MATERIALIZED (
    SELECT valid_from, time_zone, lead(valid_from) OVER in_order AS next_from, lead(time_zone) OVER in_order AS next_zone,
           row_number() OVER in_order = 1 AS is_first
    FROM trackai.loyalty_programs
    WHERE tenant_id = %(tenant_id)s
    WINDOW in_order AS (ORDER BY valid_from)
), differences AS (
    SELECT x.source_ref, x.user_id, max(x.revision) AS revision,
           coalesce(min(x.sale_day) FILTER (WHERE x.revision > 0), min(x.sale_day)) AS sale_day,
           x.currency, sum(x.amount) AS amount, sum(x.units) AS units
    FROM (
        SELECT 'adj:' || a.id AS source_ref, a.user_id, 0 AS revision,
               coalesce(a.effective_on, (a.created_at AT TIME ZONE r.time_zone)::date) AS sale_day,
               a.currency, a.amount, a.amount_units AS units
        FROM trackai.sales_adjustments a
        JOIN rules r ON (r.is_first OR (a.created_at AT TIME ZONE r.time_zone)::date >= r.valid_from)
            AND (r.next_from IS NULL OR (a.created_at AT TIME ZONE r.next_zone)::date < r.next_from)
        WHERE a.tenant_id = %(tenant_id)s
        UNION ALL
        SELECT l.source_ref, l.user_id, l.revision, l.sale_day, l.currency, -l.amount, -l.units
        FROM trackai.sales_ledger l
        WHERE l.tenant_id = %(tenant_id)s AND l.source = 'adjustment'
    ) x
    GROUP BY x.source_ref, x.user_id, x.currency
    HAVING sum(x.amount) <> 0 OR sum(x.units) <> 0
), staged AS (
    INSERT INTO pg_temp.ledger_differences (source, source_ref, user_id, revision, sale_day, amount, units, currency)
    SELECT 'adjustment', source_ref, user_id, revision + 1, sale_day, amount, units, currency
    FROM differences
    RETURNING 1
)
SELECT count(*) FROM staged
