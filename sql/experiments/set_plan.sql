-- Sets what the sample size of a locked draft is, and what it was planned from. Index: the key of ab_tests.
UPDATE trackai.ab_tests
SET sample_size = %(sample_size)s,
    planned_lift = %(lift)s,
    planned_baseline = %(baseline)s,
    updated_at = greatest(created_at, %(now)s),
    updated_by = %(by)s
WHERE tenant_id = %(tenant_id)s AND id = %(test_id)s
