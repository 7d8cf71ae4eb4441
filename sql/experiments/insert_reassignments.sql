-- Staged assignments that would change the answer become rows of ab_test_reassignments: another variant than the stored
-- one, or a variant earlier than it is known. A repeat of a variant later is left out. Returns how many rows the load has
-- made, with those of insert_first_assignments. Whatever the order of files, the earliest assignment of a user to each
-- variant is known in the end, and loading a file twice changes nothing.
-- Indexes: the primary keys of both, an entry for each; rows are written in the order of the second.
WITH staged AS MATERIALIZED (
    SELECT s.tenant_id, s.test_id, s.user_id, s.variant_assigned, min(s.assigned_at) AS assigned_at,
           min(s.source) AS source
    FROM pg_temp.staged_ab_assignments s
    GROUP BY s.tenant_id, s.test_id, s.user_id, s.variant_assigned
), compared AS MATERIALIZED (
    SELECT s.*, a.created_at AS stored_at, a.variant_assigned = s.variant_assigned AND a.assigned_at <= s.assigned_at AS known
    FROM staged s
    CROSS JOIN LATERAL (
        SELECT a.variant_assigned, a.assigned_at, a.created_at
        FROM trackai.ab_test_assignments a
        WHERE a.tenant_id = s.tenant_id AND a.test_id = s.test_id AND a.user_id = s.user_id
        LIMIT 1
    ) a
), moved AS (
    INSERT INTO trackai.ab_test_reassignments
        (tenant_id, test_id, user_id, variant_assigned, assigned_at, created_at, source)
    SELECT c.tenant_id, c.test_id, c.user_id, c.variant_assigned, c.assigned_at, %(now)s, c.source
    FROM compared c
    LEFT JOIN LATERAL (
        SELECT r.user_id
        FROM trackai.ab_test_reassignments r
        WHERE r.tenant_id = c.tenant_id AND r.test_id = c.test_id AND r.user_id = c.user_id
          AND r.variant_assigned = c.variant_assigned AND r.assigned_at <= c.assigned_at
        LIMIT 1
    ) r ON true
    WHERE NOT c.known AND r.user_id IS NULL
    ORDER BY c.tenant_id, c.test_id, c.user_id, c.variant_assigned, c.assigned_at
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT (SELECT count(*) FROM compared c WHERE c.known AND c.stored_at = %(now)s) + (SELECT count(*) FROM moved)
