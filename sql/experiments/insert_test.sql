-- Inserts a draft and returns its number; no row where the tenant has a test of this key already.
-- Index: the key of tenant and test_key.
INSERT INTO trackai.ab_tests
    (tenant_id, test_key, name, description, hypothesis, campaign_id, control_variant, variant_a, variant_b, variant_c,
     start_date, end_date, sample_size, confidence_level, min_statistical_power, created_at, updated_at, created_by,
     updated_by, weights, traffic_percent, hash_seed, assigned_by, window_days, pre_days, primary_metric, estimator,
     outcome_event, outcome_scope, currency, revenue_cap, planned_lift, planned_baseline)
VALUES
    (%(tenant_id)s, %(test_key)s, %(name)s, %(description)s, %(hypothesis)s, %(campaign_id)s, %(control_variant)s,
     %(variant_a)s, %(variant_b)s, %(variant_c)s, %(start_date)s, %(end_date)s, %(sample_size)s, %(confidence_level)s,
     %(min_statistical_power)s, %(now)s, %(now)s, %(by)s, %(by)s, %(weights)s, %(traffic_percent)s, %(hash_seed)s,
     %(assigned_by)s, %(window_days)s, %(pre_days)s, %(primary_metric)s, %(estimator)s, %(outcome_event)s,
     %(outcome_scope)s, %(currency)s, %(revenue_cap)s, %(planned_lift)s, %(planned_baseline)s)
ON CONFLICT (tenant_id, test_key) DO NOTHING
RETURNING id
