-- The stored outcomes of the users who arrived (arrived_users), in the form of outcomes.
-- Indexes: none is needed; outcomes are read once, and those of others are left out before anything else is looked at.
-- EXISTS does that by a hash of the users, however few outcomes the server expects.
SELECT o.test_id, o.conversion_id, o.user_id, u.variant_name, u.assigned_at, o.occurred_at, o.value, o.currency,
       coalesce(a.strategy <> 'unmatched', false) AS attributed, coalesce(o.currency = t.currency, false) AS in_currency,
       o.class
FROM (
    SELECT f.test_id, f.conversion_id, f.user_id, f.occurred_at, f.value, f.currency, f.class
    FROM trackai.ab_test_outcomes f
    WHERE f.tenant_id = %(tenant_id)s AND f.class IN ('counted', 'before_assignment')
      AND EXISTS (SELECT FROM pg_temp.arrived_users u WHERE u.test_id = f.test_id AND u.user_id = f.user_id)
    OFFSET 0
) o
JOIN pg_temp.arrived_users u ON u.test_id = o.test_id AND u.user_id = o.user_id
JOIN unnest(%(test_ids)s::bigint[], %(outcomes_until)s::timestamptz[], %(currencies)s::char(3)[])
    AS t (test_id, outcomes_until, currency) ON t.test_id = o.test_id AND o.occurred_at < t.outcomes_until
LEFT JOIN trackai.matched_attributions a ON a.tenant_id = %(tenant_id)s AND a.conversion_id = o.conversion_id
