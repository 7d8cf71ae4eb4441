-- The stored outcomes of the users who arrived (arrived_users), in the form of outcomes.
-- Indexes: none is needed; outcomes are read once and joined by hashes.
SELECT o.test_id, o.conversion_id, o.user_id, u.variant_name, u.assigned_at, o.occurred_at, o.value, o.currency,
       coalesce(a.strategy <> 'unmatched', false) AS attributed, coalesce(o.currency = t.currency, false) AS in_currency,
       o.class
FROM unnest(%(test_ids)s::bigint[], %(outcomes_until)s::timestamptz[], %(currencies)s::char(3)[])
    AS t (test_id, outcomes_until, currency)
JOIN pg_temp.arrived_users u ON u.test_id = t.test_id
JOIN trackai.ab_test_outcomes o ON o.test_id = u.test_id AND o.user_id = u.user_id
LEFT JOIN trackai.matched_attributions a ON a.tenant_id = %(tenant_id)s AND a.conversion_id = o.conversion_id
WHERE o.tenant_id = %(tenant_id)s AND o.occurred_at < t.outcomes_until
