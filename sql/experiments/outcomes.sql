-- What the users of a tenant's tests bought, and whether each sale counts: a row a test and sale. Sales and users of tests are
-- all that there are (linked_sales), or those that may have changed (arrived_sales, arrived_users), of which some are chosen.
-- Sales that are anonymised are not classified again (stayed_outcomes).
-- Indexes: none is needed. Sales, links and assignments are read in the order they are stored in and joined by hashes in
-- the order that is written here, whatever the server knows of the tables (outcomes.MANY).
WITH tests AS MATERIALIZED (
    SELECT t.test_id, t.outcomes_from, t.outcomes_until, t.window_days * interval '24 hours' AS window_length,
           t.outcome_event, t.outcome_scope, t.currency
    FROM unnest(
        %(test_ids)s::bigint[], %(outcomes_from)s::timestamptz[], %(outcomes_until)s::timestamptz[],
        %(window_days)s::integer[], %(outcome_events)s::text[], %(outcome_scopes)s::text[], %(currencies)s::char(3)[]
    ) AS t (test_id, outcomes_from, outcomes_until, window_days, outcome_event, outcome_scope, currency)
)
SELECT u.test_id, s.conversion_id, u.user_id, u.variant_name, u.assigned_at, s.occurred_at, s.value, s.currency,
       s.attributed, coalesce(s.currency = t.currency, false) AS in_currency,
       CASE
           WHEN u.exclusion IS NOT NULL THEN u.exclusion
           WHEN s.event_name <> t.outcome_event THEN 'other_event'
           WHEN s.occurred_at < u.assigned_at THEN 'before_assignment'
           WHEN s.occurred_at >= u.assigned_at + t.window_length THEN 'after_window'
           WHEN t.outcome_scope = 'attributed' AND NOT s.attributed THEN 'not_attributed'
           ELSE 'counted'
       END AS class
FROM tests t
JOIN {users} u ON u.test_id = t.test_id
JOIN {sales} s ON s.user_id = u.user_id
WHERE u.test_id = ANY (%(test_ids)s::bigint[]) AND s.occurred_at >= t.outcomes_from AND s.occurred_at < t.outcomes_until
  AND {chosen}
