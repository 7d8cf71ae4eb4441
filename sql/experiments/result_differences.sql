-- Compares ab_test_results of each test that was started with the decision in force and with the totals of its day: those
-- of the decision, before there is one those of the newest day. A row for each variant and figure that differs, a variant
-- that is missing or left over included. Archived tests are compared, too: both sides stay.
-- Index: the keys of ab_test_decisions, ab_test_daily_totals and ab_test_results; all are few. Guarantees: read-only.
WITH tests AS (
    SELECT t.tenant_id, t.id AS test_id, t.test_key, d.outcome, d.winner_variant,
           coalesce(d.decision_day, n.day) AS day,
           CASE WHEN d.kind IN ('horizon', 'final') THEN 'mature' ELSE 'so_far' END AS population
    FROM trackai.ab_tests t
    LEFT JOIN LATERAL (
        SELECT d.outcome, d.decision_day, d.kind, d.winner_variant
        FROM trackai.ab_test_decisions d
        WHERE d.tenant_id = t.tenant_id AND d.test_id = t.id
        ORDER BY d.decided_at DESC, d.id DESC
        LIMIT 1
    ) d ON true
    LEFT JOIN LATERAL (
        SELECT max(n.day) AS day
        FROM trackai.ab_test_daily_totals n
        WHERE n.tenant_id = t.tenant_id AND n.test_id = t.id
    ) n ON true
    WHERE t.started_at IS NOT NULL
),
expected AS (
    SELECT t.*, d.variant_name, d.users_count, d.converted_users, d.conversions, d.revenue, d.revenue_conversions
    FROM tests t
    JOIN trackai.ab_test_daily_totals d
        ON d.tenant_id = t.tenant_id AND d.test_id = t.test_id AND d.day = t.day AND d.population = t.population
),
found AS (
    SELECT r.* FROM tests t JOIN trackai.ab_test_results r ON r.tenant_id = t.tenant_id AND r.test_id = t.test_id
)
SELECT s.slug AS tenant, t.test_key AS test, coalesce(e.variant_name, r.variant_name) AS variant, f.figure, f.found,
       f.expected
FROM expected e
FULL JOIN found r ON r.tenant_id = e.tenant_id AND r.test_id = e.test_id AND r.variant_name = e.variant_name
JOIN tests t ON t.tenant_id = coalesce(e.tenant_id, r.tenant_id) AND t.test_id = coalesce(e.test_id, r.test_id)
JOIN trackai.tenants s ON s.id = t.tenant_id
CROSS JOIN LATERAL (VALUES
    ('day', r.result_day::text, e.day::text), ('population', r.population, e.population),
    ('users', r.users_count::text, e.users_count::text),
    ('converted users', r.converted_users::text, e.converted_users::text),
    ('conversions', r.conversions::text, e.conversions::text),
    ('revenue', r.revenue::text, round(e.revenue, 4)::text),
    ('average order value', r.avg_order_value::text,
     round(e.revenue / nullif(e.revenue_conversions, 0), 4)::text),
    ('winner', r.winner::text, (e.variant_name IS NOT DISTINCT FROM e.winner_variant)::text),
    ('safe to act', r.safe_to_act::text, coalesce(e.outcome <> ALL (%(unsound)s), false)::text)
) AS f (figure, found, expected)
WHERE f.found IS DISTINCT FROM f.expected
ORDER BY s.slug, t.test_key, variant, f.figure
