-- Staged assignments of users who have none become rows, of each user the earliest. Index: the primary key, in whose order
-- rows are written, so two loaders lock them in one order; of two the first counts.
WITH moved AS (
    INSERT INTO trackai.ab_test_assignments
        (tenant_id, test_id, user_id, variant_assigned, assigned_at, created_at, source)
    SELECT DISTINCT ON (s.tenant_id, s.test_id, s.user_id)
           s.tenant_id, s.test_id, s.user_id, s.variant_assigned, s.assigned_at, %(now)s, s.source
    FROM pg_temp.staged_ab_assignments s
    ORDER BY s.tenant_id, s.test_id, s.user_id, s.assigned_at, s.variant_assigned
    ON CONFLICT (tenant_id, test_id, user_id) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM moved
