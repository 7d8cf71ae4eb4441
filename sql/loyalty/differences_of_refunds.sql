-- What is wanted of the refunds of a tenant's credited conversions less what is posted of them; returns how many differ.
-- Refunds of a sale take what is left of it, in the order in which they were made; the one that leaves nothing takes its
-- unit. A refund in another currency than its sale takes nothing, and one without a credited sale waits. Conversions must
-- have been staged before: a sale that is about to be posted counts.
-- Indexes: refunds_by_conversion, conversions' primary key, sales_ledger's unique key.
-- Guarantees: the order of arrival makes no difference; the day of a posted refund stays as it was.
WITH rules AS MATERIALIZED (
    SELECT valid_from, time_zone, refund_dating, lead(valid_from) OVER in_order AS next_from, lead(time_zone) OVER in_order AS next_zone
    FROM trackai.loyalty_programs
    WHERE tenant_id = %(tenant_id)s
    WINDOW in_order AS (ORDER BY valid_from)
), linked AS MATERIALIZED (
    SELECT r.gateway || ':' || r.gateway_event_id AS source_ref, c.gateway || ':' || c.gateway_event_id AS sale_ref,
           r.value, r.currency, r.occurred_at
    FROM trackai.refunds r
    JOIN trackai.conversions c ON c.tenant_id = r.tenant_id AND c.id = r.conversion_id
    WHERE r.tenant_id = %(tenant_id)s AND r.conversion_id IS NOT NULL
), credited AS MATERIALIZED (
    SELECT x.source_ref AS sale_ref, x.user_id, x.currency, min(x.sale_day) AS sale_day, sum(x.amount) AS amount, sum(x.units) AS units
    FROM (
        SELECT l.source_ref, l.user_id, l.currency, l.sale_day, l.amount, l.units
        FROM (SELECT DISTINCT sale_ref FROM linked) s
        CROSS JOIN LATERAL (
            SELECT * FROM trackai.sales_ledger l
            WHERE l.tenant_id = %(tenant_id)s AND l.source = 'conversion' AND l.source_ref = s.sale_ref
        ) l
        UNION ALL
        SELECT d.source_ref, d.user_id, d.currency, d.sale_day, d.amount, d.units
        FROM pg_temp.ledger_differences d
        WHERE d.source = 'conversion' AND d.source_ref IN (SELECT sale_ref FROM linked)
    ) x
    GROUP BY x.source_ref, x.user_id, x.currency
    HAVING sum(x.units) > 0
), in_order AS (
    SELECT s.source_ref, c.user_id, c.sale_day, c.currency, c.amount, c.units, s.value, s.occurred_at,
           row_number() OVER sale AS place, sum(s.value) OVER sale AS taken
    FROM linked s
    JOIN credited c ON c.sale_ref = s.sale_ref AND c.currency = s.currency
    WINDOW sale AS (PARTITION BY s.sale_ref, c.user_id ORDER BY s.occurred_at, s.source_ref ROWS UNBOUNDED PRECEDING)
), wanted AS (
    SELECT o.source_ref, o.user_id, o.currency, o.occurred_at,
           CASE r.refund_dating WHEN 'sale' THEN o.sale_day ELSE (o.occurred_at AT TIME ZONE r.time_zone)::date END AS sale_day,
           -least(o.value, greatest(o.amount - (o.taken - o.value), 0)) AS amount,
           CASE WHEN o.taken >= o.amount AND (o.taken - o.value < o.amount OR o.place = 1) THEN -o.units ELSE 0 END AS units
    FROM in_order o
    JOIN rules r ON (o.occurred_at AT TIME ZONE r.time_zone)::date >= r.valid_from
        AND (r.next_from IS NULL OR (o.occurred_at AT TIME ZONE r.next_zone)::date < r.next_from)
), differences AS (
    SELECT x.source_ref, x.user_id, max(x.revision) AS revision,
           coalesce(min(x.sale_day) FILTER (WHERE x.revision > 0), min(x.sale_day)) AS sale_day,
           min(x.occurred_at) AS occurred_at, x.currency, sum(x.amount) AS amount, sum(x.units) AS units
    FROM (
        SELECT source_ref, user_id, 0 AS revision, sale_day, occurred_at, currency, amount, units FROM wanted
        UNION ALL
        SELECT l.source_ref, l.user_id, l.revision, l.sale_day, l.occurred_at, l.currency, -l.amount, -l.units
        FROM trackai.sales_ledger l
        WHERE l.tenant_id = %(tenant_id)s AND l.source = 'refund'
    ) x
    GROUP BY x.source_ref, x.user_id, x.currency
    HAVING sum(x.amount) <> 0 OR sum(x.units) <> 0
), staged AS (
    INSERT INTO pg_temp.ledger_differences
        (source, source_ref, user_id, revision, sale_day, occurred_at, amount, units, currency)
    SELECT 'refund', source_ref, user_id, revision + 1, sale_day, occurred_at, amount, units, currency
    FROM differences
    RETURNING 1
)
SELECT count(*) FROM staged
