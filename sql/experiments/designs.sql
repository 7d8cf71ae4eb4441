-- Returns tests with everything that computing and deciding read of them, in the order of tenants and numbers: all
-- tests, or those of a tenant, with a number, a key, or one of some statuses. A parameter that is NULL chooses nothing.
-- Index: the keys of ab_tests and ab_test_guardrails; all tests are few.
SELECT t.tenant_id, t.id, t.test_key, t.name, t.status, t.assigned_by, t.traffic_percent,
       coalesce(t.hash_seed, t.test_key) AS hash_seed,
       v.variants, v.weights, t.sample_size, t.confidence_level, t.min_statistical_power, t.window_days, t.pre_days,
       t.primary_metric, t.estimator, t.outcome_event, t.outcome_scope, t.currency, t.revenue_cap, t.planned_lift,
       t.planned_baseline, t.start_date, t.end_date, t.started_at, t.completed_at, g.guardrails, t.config_digest
FROM trackai.ab_tests t
CROSS JOIN LATERAL (
    SELECT array_agg(v.variant_name ORDER BY v.position) AS variants,
           array_agg(v.weight ORDER BY v.position) AS weights
    FROM trackai.ab_test_variants v
    WHERE v.tenant_id = t.tenant_id AND v.test_id = t.id
) v
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_array(g.metric, g.margin, g.rule) ORDER BY g.metric), '[]') AS guardrails
    FROM trackai.ab_test_guardrails g
    WHERE g.tenant_id = t.tenant_id AND g.test_id = t.id
) g
WHERE (%(tenant_id)s::text IS NULL OR t.tenant_id = %(tenant_id)s)
  AND (%(test_id)s::bigint IS NULL OR t.id = %(test_id)s)
  AND (%(test_key)s::text IS NULL OR t.test_key = %(test_key)s)
  AND (%(statuses)s::text[] IS NULL OR t.status = ANY(%(statuses)s))
ORDER BY t.tenant_id, t.id
