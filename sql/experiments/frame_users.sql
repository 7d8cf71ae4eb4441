-- Every user of a test with the variant and time that count, why the user is not analysed, and what the user bought in the
-- window: counted conversions, and their value in the test's currency.
-- Index: the keys of ab_test_assignments and ab_test_outcomes, by their first two columns. Guarantees: read-only.
SELECT u.user_id, u.variant_name AS variant, u.assigned_at, u.exclusion, coalesce(o.conversions, 0) AS conversions,
       coalesce(o.revenue, 0) AS revenue, o.first_at AS first_conversion_at
FROM trackai.ab_tests t
CROSS JOIN LATERAL trackai.ab_test_users_as_known(t.tenant_id, t.id, 'infinity') u
LEFT JOIN (
    SELECT o.user_id, count(*) AS conversions, min(o.occurred_at) AS first_at,
           sum(o.value) FILTER (WHERE o.currency = w.currency) AS revenue
    FROM trackai.ab_tests w
    JOIN trackai.ab_test_outcomes o ON o.tenant_id = w.tenant_id AND o.test_id = w.id
    WHERE w.tenant_id = %(tenant_id)s AND w.id = %(test_id)s AND o.class = 'counted'
    GROUP BY o.user_id
) o ON o.user_id = u.user_id
WHERE t.tenant_id = %(tenant_id)s AND t.id = %(test_id)s
ORDER BY u.assigned_at, u.user_id
