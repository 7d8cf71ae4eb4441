-- Stores the variants of staged users who have none, and says for how many. Index: the primary key, in whose order rows
-- are written, so two callers lock them in one order; of two the first counts.
WITH assigned AS (
    INSERT INTO trackai.ab_test_assignments (tenant_id, test_id, user_id, variant_assigned, assigned_at, created_at)
    SELECT %(tenant_id)s, %(test_id)s, s.user_id, s.variant, %(now)s, %(now)s
    FROM pg_temp.staged_users s
    WHERE s.variant IS NOT NULL
    ORDER BY s.user_id
    ON CONFLICT (tenant_id, test_id, user_id) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM assigned
