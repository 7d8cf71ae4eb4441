-- Writes the outcomes of tests, none of which is there yet, and returns the sales that add to totals, packed: some rows a
-- test and variant, of up to four million conversions each, because a value has at most a gigabyte.
-- Index: none is looked up. Rows are written in the order of the primary key, whose last page takes them one after another;
-- test and conversion are one number for it, which sorts three times as fast.
WITH outcomes AS MATERIALIZED (
    SELECT o.test_id, o.conversion_id, o.user_id, o.variant_name, o.assigned_at, o.occurred_at, o.value, o.currency,
           o.attributed, o.in_currency, o.class
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
SELECT o.test_id, o.variant_name,
       string_agg(trackai.ab_test_sale_bytes(
           o.user_id, o.conversion_id, o.occurred_at, o.assigned_at, coalesce(o.value, 0), o.class = 'counted',
           o.attributed, o.in_currency
       ), '') AS sales
FROM outcomes o
WHERE o.class IN ('counted', 'before_assignment')
GROUP BY o.test_id, o.variant_name, o.conversion_id / 4000000
