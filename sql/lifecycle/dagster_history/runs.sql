-- Deletes runs of Dagster's storage that ended before %(old_before)s, with their tags (by the foreign key), among the
-- next %(size)s after %(after)s: those that no event, asset or check evaluation names any more, and no unfinished
-- backfill. To be run after the events and evaluations were deleted.
-- Index: runs_pkey for the batch, idx_events_by_run_id for their events; asset_keys and asset_check_executions are small.
-- Guarantees: unfinished runs are left alone. Returns one row: the last id looked at (NULL at the end), the ids of the
-- runs deleted, their bytes, and how many stay though they are old.
WITH batch AS MATERIALIZED (
    SELECT r.id, r.run_id
    FROM runs r
    WHERE r.id > %(after)s
        AND r.status IN ('SUCCESS', 'FAILURE', 'CANCELED')
        AND coalesce(to_timestamp(r.end_time), r.update_timestamp AT TIME ZONE 'UTC') < %(old_before)s
        AND NOT EXISTS (
            SELECT FROM bulk_actions a
            WHERE a.key = r.backfill_id AND a.status IN ('REQUESTED', 'CANCELING', 'FAILING')
        )
    ORDER BY r.id
    LIMIT %(size)s
), gone AS (
    DELETE FROM runs r
    USING batch b
    WHERE r.id = b.id
        AND NOT EXISTS (SELECT FROM event_logs e WHERE e.run_id = b.run_id)
        AND NOT EXISTS (SELECT FROM asset_keys k WHERE k.last_run_id = b.run_id)
        AND NOT EXISTS (SELECT FROM asset_check_executions c WHERE c.run_id = b.run_id)
    RETURNING r.run_id, pg_column_size(r.run_body) AS bytes
)
SELECT
    (SELECT max(id) FROM batch),
    coalesce(array_agg(g.run_id), '{}'),
    coalesce(sum(g.bytes), 0),
    (SELECT count(*) FROM batch) - count(*)
FROM gone g
