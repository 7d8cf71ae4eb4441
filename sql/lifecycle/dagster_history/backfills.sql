-- Deletes backfills that ended, began before %(old_before)s and have no run any more, with their tags. To be run after
-- the runs were deleted.
-- Index: idx_runs_by_backfill_id, idx_backfill_tags_backfill_id; the backfills themselves are few.
-- Guarantees: unfinished backfills are left alone. Returns one row: NULL (there is one batch), backfills deleted,
-- their bytes.
WITH gone AS (
    DELETE FROM bulk_actions a
    WHERE a.status NOT IN ('REQUESTED', 'CANCELING', 'FAILING')
        AND a."timestamp" AT TIME ZONE 'UTC' < %(old_before)s
        AND NOT EXISTS (SELECT FROM runs r WHERE r.backfill_id = a.key)
    RETURNING a.key, pg_column_size(a.body) AS bytes
), tags AS (
    DELETE FROM backfill_tags t
    USING gone g
    WHERE t.backfill_id = g.key
)
SELECT NULL, count(*), coalesce(sum(g.bytes), 0) FROM gone g
