-- What arrived after %(known_at)s and bears on a test up to a UTC day: by kind how many, and the first %(most)s in words. Of
-- a sale that is its first reason: that it arrived, that it was linked with a user, that it was matched with a click.
-- Indexes: user_conversions_by_user, the keys of ab_test_assignments, conversions, matched_attributions and users.
-- Guarantees: read-only.
WITH assigned AS MATERIALIZED (
    SELECT u.user_id
    FROM trackai.ab_test_users_as_known(%(tenant_id)s, %(test_id)s, 'infinity') u
    WHERE u.assigned_at < %(day_end)s
),
sales AS (
    SELECT c.id, l.user_id, c.occurred_at, c.created_at, l.linked_at, a.matched_at
    FROM assigned u
    JOIN trackai.user_conversions l ON l.tenant_id = %(tenant_id)s AND l.user_id = u.user_id
    JOIN trackai.conversions c ON c.tenant_id = %(tenant_id)s AND c.id = l.conversion_id
    LEFT JOIN trackai.matched_attributions a
        ON a.tenant_id = %(tenant_id)s AND a.conversion_id = c.id AND a.strategy <> 'unmatched'
    WHERE c.occurred_at >= %(outcomes_from)s AND c.occurred_at < %(day_end)s
),
arrived AS (
    SELECT CASE
               WHEN s.created_at > %(known_at)s THEN 'sales'
               WHEN s.linked_at > %(known_at)s THEN 'links'
               ELSE 'matches'
           END AS kind,
           'conversion ' || s.id || ' of ' || s.user_id AS what,
           greatest(s.created_at, s.linked_at, s.matched_at) AS arrived_at
    FROM sales s
    WHERE greatest(s.created_at, s.linked_at, s.matched_at) > %(known_at)s
    UNION ALL
    SELECT 'assignments', a.user_id || ' to ' || a.variant_assigned, a.created_at
    FROM trackai.ab_test_assignments a
    WHERE a.tenant_id = %(tenant_id)s AND a.test_id = %(test_id)s AND a.created_at > %(known_at)s
      AND a.assigned_at < %(day_end)s
    UNION ALL
    SELECT 'reassignments', r.user_id || ' to ' || r.variant_assigned, r.created_at
    FROM trackai.ab_test_reassignments r
    WHERE r.tenant_id = %(tenant_id)s AND r.test_id = %(test_id)s AND r.created_at > %(known_at)s
    UNION ALL
    SELECT 'exclusions', x.user_id || ', ' || x.reason, x.created_at
    FROM assigned u
    JOIN trackai.excluded_users x
        ON x.tenant_id = %(tenant_id)s AND x.user_id = u.user_id AND x.created_at > %(known_at)s
    UNION ALL
    SELECT CASE WHEN l.replaced_at > %(known_at)s THEN 'replaced' ELSE 'users' END, l.id, l.changed_at
    FROM assigned u
    JOIN trackai.users l ON l.tenant_id = %(tenant_id)s AND l.id = u.user_id AND l.changed_at > %(known_at)s
)
SELECT a.kind, count(*) AS rows, (array_agg(a.what ORDER BY a.arrived_at, a.what))[1:%(most)s] AS examples
FROM arrived a
GROUP BY a.kind
