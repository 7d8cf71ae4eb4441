-- Returns each test's settings as JSON, by tenant and key: those of a new one are compared with them. Reads all tests,
-- which are few.
SELECT t.tenant_id, t.test_key, jsonb_build_object(
           'test_key', t.test_key, 'name', t.name, 'description', t.description, 'hypothesis', t.hypothesis,
           'campaign_id', t.campaign_id,
           'variants', array_remove(ARRAY[t.control_variant, t.variant_a, t.variant_b, t.variant_c], NULL),
           'start_date', t.start_date, 'end_date', t.end_date, 'sample_size', t.sample_size,
           'confidence_level', t.confidence_level, 'min_statistical_power', t.min_statistical_power,
           'weights', t.weights, 'assigned_by', t.assigned_by, 'window_days', t.window_days, 'pre_days', t.pre_days,
           'primary_metric', t.primary_metric, 'estimator', t.estimator, 'outcome_event', t.outcome_event,
           'outcome_scope', t.outcome_scope, 'currency', t.currency, 'revenue_cap', t.revenue_cap,
           'planned_lift', t.planned_lift, 'planned_baseline', t.planned_baseline
       )::text
FROM trackai.ab_tests t
