-- Staged segments of users become rows of user_segments; of several ends of one stay the earliest counts, in whatever
-- order they arrive. Returns how many are new or changed. Index: the primary key, in whose order rows are written.
WITH moved AS (
    INSERT INTO trackai.user_segments AS u (tenant_id, user_id, segment_name, valid_from, valid_to)
    SELECT tenant_id, user_id, segment_name, valid_from, min(valid_to)
    FROM pg_temp.staged_user_segments
    GROUP BY tenant_id, user_id, segment_name, valid_from
    ORDER BY tenant_id, user_id, segment_name, valid_from
    ON CONFLICT (tenant_id, user_id, segment_name, valid_from) DO UPDATE
    SET valid_to = excluded.valid_to
    WHERE excluded.valid_to < coalesce(u.valid_to, 'infinity')
    RETURNING 1
)
SELECT count(*) FROM moved
