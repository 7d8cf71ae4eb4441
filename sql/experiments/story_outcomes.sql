-- What became of a conversion in each test that its user is assigned in: its class with what explains it, by test. The
-- class is NULL where the test waits for its next computation, which works in the sale or the assignment.
-- Index: the keys of ab_tests, user_conversions, conversions, ab_test_outcomes and ab_test_assignments.
-- Guarantees: read-only.
SELECT t.test_key AS test, o.class AS class_, a.variant_assigned AS variant, c.occurred_at,
       least(a.assigned_at, r.assigned_at) AS assigned_at, t.window_days, t.outcome_event, t.currency,
       c.currency AS sold_in, x.reason
FROM trackai.conversions c
JOIN trackai.ab_tests t ON t.tenant_id = c.tenant_id
LEFT JOIN trackai.ab_test_outcomes o ON o.tenant_id = t.tenant_id AND o.test_id = t.id AND o.conversion_id = c.id
LEFT JOIN trackai.user_conversions l ON l.tenant_id = c.tenant_id AND l.conversion_id = c.id
LEFT JOIN trackai.ab_test_assignments a
    ON a.tenant_id = t.tenant_id AND a.test_id = t.id AND a.user_id = coalesce(o.user_id, l.user_id)
LEFT JOIN trackai.excluded_users x ON x.tenant_id = a.tenant_id AND x.user_id = a.user_id
LEFT JOIN LATERAL (
    SELECT min(r.assigned_at) AS assigned_at
    FROM trackai.ab_test_reassignments r
    WHERE r.tenant_id = a.tenant_id AND r.test_id = a.test_id AND r.user_id = a.user_id
) r ON true
WHERE c.tenant_id = %(tenant_id)s AND c.id = %(conversion_id)s
  AND (
      o.conversion_id IS NOT NULL
      OR a.user_id IS NOT NULL AND t.status IN ('running', 'paused', 'completed')
         AND c.occurred_at >= t.start_date - t.pre_days * interval '24 hours'
  )
ORDER BY t.test_key
