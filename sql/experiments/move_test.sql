-- Gives a locked test its next status. Moments and the digest are set once. Index: the key of ab_tests.
UPDATE trackai.ab_tests
SET status = %(to_status)s,
    started_at = coalesce(started_at, %(started_at)s),
    completed_at = coalesce(completed_at, %(completed_at)s),
    config_digest = coalesce(config_digest, %(config_digest)s),
    updated_at = greatest(created_at, %(now)s),
    updated_by = %(by)s
WHERE tenant_id = %(tenant_id)s AND id = %(test_id)s
