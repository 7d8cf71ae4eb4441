-- Compares every stored day of the totals of tests that are computed every night with their users and counted outcomes,
-- summed up again: analysed users, users who converted, conversions, those in the test's currency, and their value, by
-- population and variant. A row for each that differs; a day that has not all its rows is one, too.
-- Users are those known at the last computation, %(margin)s after what it is sure to have worked in. A difference waits,
-- and is no fault, where rows of these days arrived, or a person was erased, since then: their transactions may have been
-- under way.
-- Indexes: idx_abt_status, the keys of ab_test_assignments, ab_test_outcomes and ab_test_daily_totals; hash joins.
-- Guarantees: read-only.
WITH tests AS MATERIALIZED (
    SELECT t.tenant_id, t.id AS test_id, t.test_key, t.window_days, t.currency, d.first_day, d.last_day, d.rows,
           n.scanned_to,
           2 * num_nonnulls(t.control_variant, t.variant_a, t.variant_b, t.variant_c) AS rows_of_day
    FROM trackai.ab_tests t
    JOIN trackai.ab_test_scans n ON n.tenant_id = t.tenant_id AND n.test_id = t.id
    CROSS JOIN LATERAL (
        SELECT min(d.day) AS first_day, max(d.day) AS last_day, count(*) AS rows
        FROM trackai.ab_test_daily_totals d
        WHERE d.tenant_id = t.tenant_id AND d.test_id = t.id
    ) d
    WHERE t.status IN ('running', 'paused', 'completed') AND d.last_day IS NOT NULL
),
users AS MATERIALIZED (
    SELECT t.tenant_id, t.test_id, u.user_id, u.variant_name, (u.assigned_at AT TIME ZONE 'UTC')::date AS day
    FROM tests t
    CROSS JOIN LATERAL trackai.ab_test_users_as_known(t.tenant_id, t.test_id, t.scanned_to + %(margin)s::interval) u
    WHERE u.exclusion IS NULL
),
counted AS MATERIALIZED (
    SELECT o.tenant_id, o.test_id, o.user_id, o.day, u.variant_name, u.day + t.window_days AS mature_day,
           coalesce(o.currency = t.currency, false) AS in_currency, o.value
    FROM tests t
    JOIN trackai.ab_test_outcomes o ON o.tenant_id = t.tenant_id AND o.test_id = t.test_id
    JOIN users u ON u.tenant_id = o.tenant_id AND u.test_id = o.test_id AND u.user_id = o.user_id
    WHERE o.class = 'counted'
),
buyers AS (
    SELECT c.tenant_id, c.test_id, c.user_id, c.variant_name, min(c.day) AS day, min(c.mature_day) AS mature_day
    FROM counted c
    GROUP BY c.tenant_id, c.test_id, c.user_id, c.variant_name
),
sums AS (
    SELECT u.tenant_id, u.test_id, p.population, u.variant_name,
           CASE p.population WHEN 'mature' THEN u.day + t.window_days ELSE u.day END AS day,
           1 AS users, 0 AS converted, 0 AS conversions, 0 AS revenue_conversions, 0::numeric AS revenue
    FROM users u
    JOIN tests t ON t.tenant_id = u.tenant_id AND t.test_id = u.test_id
    CROSS JOIN (VALUES ('so_far'), ('mature')) AS p (population)
    UNION ALL
    SELECT b.tenant_id, b.test_id, p.population, b.variant_name,
           CASE p.population WHEN 'mature' THEN b.mature_day ELSE b.day END, 0, 1, 0, 0, 0
    FROM buyers b
    CROSS JOIN (VALUES ('so_far'), ('mature')) AS p (population)
    UNION ALL
    SELECT c.tenant_id, c.test_id, p.population, c.variant_name,
           CASE p.population WHEN 'mature' THEN c.mature_day ELSE c.day END, 0, 0, 1, c.in_currency::integer,
           CASE WHEN c.in_currency THEN coalesce(c.value, 0) ELSE 0 END
    FROM counted c
    CROSS JOIN (VALUES ('so_far'), ('mature')) AS p (population)
    UNION ALL
    -- Every stored row is compared, also where nothing happened.
    SELECT d.tenant_id, d.test_id, d.population, d.variant_name, d.day, 0, 0, 0, 0, 0
    FROM tests t
    JOIN trackai.ab_test_daily_totals d ON d.tenant_id = t.tenant_id AND d.test_id = t.test_id
),
expected AS (
    SELECT s.tenant_id, s.test_id, s.population, s.variant_name, s.day,
           sum(sum(s.users)) OVER so_far AS users, sum(sum(s.converted)) OVER so_far AS converted,
           sum(sum(s.conversions)) OVER so_far AS conversions,
           sum(sum(s.revenue_conversions)) OVER so_far AS revenue_conversions, sum(sum(s.revenue)) OVER so_far AS revenue
    FROM sums s
    GROUP BY s.tenant_id, s.test_id, s.population, s.variant_name, s.day
    WINDOW so_far AS (PARTITION BY s.tenant_id, s.test_id, s.population, s.variant_name ORDER BY s.day)
),
differences AS (
    SELECT d.tenant_id, d.test_id, d.day, d.population, d.variant_name AS variant, f.figure, f.found, f.expected
    FROM expected e
    JOIN trackai.ab_test_daily_totals d USING (tenant_id, test_id, population, variant_name, day)
    CROSS JOIN LATERAL (VALUES
        ('users', d.users_count::numeric, e.users::numeric), ('converted users', d.converted_users, e.converted),
        ('conversions', d.conversions, e.conversions),
        ('conversions with revenue', d.revenue_conversions, e.revenue_conversions), ('revenue', d.revenue, e.revenue)
    ) AS f (figure, found, expected)
    WHERE f.found <> f.expected
    UNION ALL
    SELECT t.tenant_id, t.test_id, t.last_day, NULL, NULL, 'rows of days', t.rows,
           (t.last_day - t.first_day + 1) * t.rows_of_day
    FROM tests t
    WHERE t.rows <> (t.last_day - t.first_day + 1) * t.rows_of_day
)
SELECT s.slug AS tenant, t.test_key AS test, d.day, d.population, d.variant, d.figure, d.found, d.expected,
       EXISTS (
           SELECT FROM trackai.erasures e
           WHERE e.tenant_id = t.tenant_id AND e.erased_at >= t.scanned_to
       )
       OR EXISTS (
           SELECT FROM trackai.ab_test_assignments a
           WHERE a.tenant_id = t.tenant_id AND a.test_id = t.test_id
             AND a.created_at >= t.scanned_to
             AND a.assigned_at < (t.last_day + 1)::timestamp AT TIME ZONE 'UTC'
       )
       OR EXISTS (
           SELECT FROM trackai.ab_test_reassignments r
           WHERE r.tenant_id = t.tenant_id AND r.test_id = t.test_id
             AND r.created_at >= t.scanned_to
       )
       OR EXISTS (
           SELECT FROM trackai.excluded_users x
           WHERE x.tenant_id = t.tenant_id AND x.created_at >= t.scanned_to
       ) AS waits
FROM differences d
JOIN tests t ON t.tenant_id = d.tenant_id AND t.test_id = d.test_id
JOIN trackai.tenants s ON s.id = d.tenant_id
ORDER BY waits, s.slug, t.test_key, d.day, d.population, d.variant, d.figure
