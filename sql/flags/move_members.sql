-- Staged users come into their segments, or leave them where they have no time; returns how many did. Index: the primary
-- key, in whose order rows are written. A user is staged for one of both only.
WITH gone AS (
    DELETE FROM trackai.feature_flag_segment_members AS m
    USING pg_temp.staged_flag_segments AS s
    WHERE s.added_at IS NULL
      AND m.tenant_id = s.tenant_id
      AND m.segment = s.segment
      AND m.user_id = s.user_id
    RETURNING 1
),
came AS (
    INSERT INTO trackai.feature_flag_segment_members (tenant_id, segment, user_id, added_at)
    SELECT s.tenant_id, s.segment, s.user_id, min(s.added_at)
    FROM pg_temp.staged_flag_segments AS s
    WHERE s.added_at IS NOT NULL
    GROUP BY s.tenant_id, s.segment, s.user_id
    ORDER BY s.tenant_id, s.segment, s.user_id
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM came)
