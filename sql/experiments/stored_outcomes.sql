-- The stored outcomes of the users who arrived (arrived_users) from the UTC day %(from_day)s on, in the form of outcomes.
-- Index: ab_test_outcomes_by_day. Outcomes of these days are read once, and those of nearly all other users are left out by
-- their bits (user_bits.py) before anything else is looked at.
SELECT o.test_id, o.conversion_id, o.user_id, u.variant_name, u.assigned_at, o.occurred_at, o.value, o.currency,
       coalesce(a.strategy <> 'unmatched', false) AS attributed, coalesce(o.currency = t.currency, false) AS in_currency,
       o.class
FROM (
    SELECT f.test_id, f.conversion_id, f.user_id, f.occurred_at, f.value, f.currency, f.class
    FROM trackai.ab_test_outcomes f
    WHERE f.tenant_id = %(tenant_id)s AND f.day >= %(from_day)s AND f.class IN ('counted', 'before_assignment')
      AND get_bit(%(bits)s::bytea, hashtextextended(f.user_id COLLATE "C", 7) & %(mask)s::bigint) = 1
    OFFSET 0
) o
JOIN pg_temp.arrived_users u ON u.test_id = o.test_id AND u.user_id = o.user_id
JOIN unnest(%(test_ids)s::bigint[], %(outcomes_until)s::timestamptz[], %(currencies)s::char(3)[])
    AS t (test_id, outcomes_until, currency) ON t.test_id = o.test_id AND o.occurred_at < t.outcomes_until
LEFT JOIN trackai.matched_attributions a ON a.tenant_id = %(tenant_id)s AND a.conversion_id = o.conversion_id
