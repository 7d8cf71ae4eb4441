-- The stored outcomes, in the form of outcomes, of users of tests who add to the totals of the UTC days from %(from_days)s
-- on: who bought then, were assigned then, or whose window was over then.
-- Indexes: none is needed; outcomes and assignments are read once and joined by hashes.
WITH tests AS MATERIALIZED (
    SELECT t.test_id, t.from_day, t.until, t.currency,
           t.from_day::timestamp AT TIME ZONE 'UTC' AS since,
           (t.from_day - t.window_days)::timestamp AT TIME ZONE 'UTC' AS mature_since,
           t.until - t.window_days * interval '24 hours' AS mature_until
    FROM unnest(
        %(test_ids)s::bigint[], %(from_days)s::date[], %(outcomes_until)s::timestamptz[], %(window_days)s::integer[],
        %(currencies)s::char(3)[]
    ) AS t (test_id, from_day, until, window_days, currency)
),
buyers AS MATERIALIZED (
    SELECT DISTINCT o.test_id, o.user_id
    FROM trackai.ab_test_outcomes o
    JOIN tests t ON t.test_id = o.test_id AND o.day >= t.from_day
    WHERE o.tenant_id = %(tenant_id)s AND o.day >= (SELECT min(f.from_day) FROM tests f) AND o.class = 'counted'
),
users AS MATERIALIZED (
    SELECT u.test_id, u.user_id, u.variant_name, u.assigned_at, t.until, t.currency
    FROM trackai.ab_test_users_as_known(%(tenant_id)s, %(known_at)s) u
    JOIN tests t ON t.test_id = u.test_id
    LEFT JOIN buyers b ON b.test_id = u.test_id AND b.user_id = u.user_id
    WHERE b.user_id IS NOT NULL OR u.assigned_at >= t.since
       OR (u.assigned_at >= t.mature_since AND u.assigned_at < t.mature_until)
)
SELECT o.test_id, o.conversion_id, o.user_id, u.variant_name, u.assigned_at, o.occurred_at, o.value, o.currency,
       coalesce(a.strategy <> 'unmatched', false) AS attributed, coalesce(o.currency = u.currency, false) AS in_currency,
       o.class
FROM trackai.ab_test_outcomes o
JOIN users u ON u.test_id = o.test_id AND u.user_id = o.user_id
LEFT JOIN trackai.matched_attributions a ON a.tenant_id = %(tenant_id)s AND a.conversion_id = o.conversion_id
WHERE o.tenant_id = %(tenant_id)s AND o.occurred_at < u.until
