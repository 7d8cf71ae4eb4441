-- Staged tests become drafts; returns how many are new. A test that is there keeps its row; one whose seed is another's is
-- refused. Index: the key of tenant and test_key, in whose order rows are written.
WITH moved AS (
    INSERT INTO trackai.ab_tests
        (tenant_id, test_key, name, description, hypothesis, campaign_id, control_variant, variant_a, variant_b, variant_c,
         start_date, end_date, sample_size, confidence_level, min_statistical_power, weights, assigned_by, window_days,
         pre_days, primary_metric, estimator, outcome_event, outcome_scope, currency, revenue_cap, planned_lift,
         planned_baseline, created_by)
    SELECT tenant_id, test_key, name, description, hypothesis, campaign_id, control_variant, variant_a, variant_b,
           variant_c, start_date, end_date, sample_size, confidence_level, min_statistical_power, weights, assigned_by,
           window_days, pre_days, primary_metric, estimator, outcome_event, outcome_scope, currency, revenue_cap,
           planned_lift, planned_baseline, created_by
    FROM pg_temp.staged_ab_tests
    ORDER BY tenant_id, test_key
    ON CONFLICT (tenant_id, test_key) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM moved
