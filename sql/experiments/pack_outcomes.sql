-- Returns the sales that add to the totals of tests, packed as write_outcomes packs them; writes nothing.
-- Index: that of the outcomes that it is given.
SELECT o.test_id, o.variant_name,
       string_agg(trackai.ab_test_sale_bytes(
           o.user_id, o.conversion_id, o.occurred_at, o.assigned_at, coalesce(o.value, 0), o.class = 'counted',
           o.attributed, o.in_currency
       ), '') AS sales
FROM {outcomes} o
WHERE o.class IN ('counted', 'before_assignment')
GROUP BY o.test_id, o.variant_name, o.conversion_id / 4000000
