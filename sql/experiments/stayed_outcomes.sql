-- The stored outcomes of sales that were anonymised by %(anonymised_by)s, which are not classified again, in the form of
-- outcomes.
-- Indexes: the primary key of ab_test_outcomes; the rest is joined by hashes, as in outcomes.
SELECT o.test_id, o.conversion_id, o.user_id, u.variant_name, u.assigned_at, o.occurred_at, o.value, o.currency,
       coalesce(a.strategy <> 'unmatched', false) AS attributed, coalesce(o.currency = t.currency, false) AS in_currency,
       o.class
FROM trackai.ab_test_outcomes o
JOIN unnest(%(test_ids)s::bigint[], %(outcomes_until)s::timestamptz[], %(currencies)s::char(3)[])
    AS t (test_id, outcomes_until, currency) ON t.test_id = o.test_id
JOIN trackai.conversions c ON c.tenant_id = %(tenant_id)s AND c.id = o.conversion_id AND c.anonymised_at <= %(anonymised_by)s
LEFT JOIN trackai.matched_attributions a
    ON a.tenant_id = %(tenant_id)s AND a.conversion_id = o.conversion_id AND a.matched_at <= %(known_at)s
JOIN trackai.ab_test_users_as_known(%(tenant_id)s, %(known_at)s) u ON u.test_id = o.test_id AND u.user_id = o.user_id
WHERE o.tenant_id = %(tenant_id)s AND o.test_id = ANY (%(test_ids)s::bigint[]) AND o.occurred_at < t.outcomes_until
