-- Deletes up to %(size)s evaluations of asset checks that were made before %(old_before)s by runs that have ended, and
-- that a newer one of the same check, partition and outcome supersedes.
-- Index: none; the table holds one row a check and run.
-- Guarantees: the newest evaluation and the newest completed one of every check and partition stay. Returns one row:
-- NULL when nothing was left to delete, evaluations deleted, their bytes.
WITH ranked AS (
    SELECT c.id, c.run_id, coalesce(c.evaluation_event_timestamp, c.create_timestamp) AS at,
        row_number() OVER (
            PARTITION BY c.asset_key, c.check_name, c.partition, c.execution_status ORDER BY c.id DESC
        ) AS place
    FROM asset_check_executions c
), gone AS (
    DELETE FROM asset_check_executions c
    USING (
        SELECT k.id
        FROM ranked k
        LEFT JOIN runs r ON r.run_id = k.run_id
        WHERE k.place > 1
            AND k.at AT TIME ZONE 'UTC' < %(old_before)s
            AND (r.run_id IS NULL OR r.status IN ('SUCCESS', 'FAILURE', 'CANCELED'))
        LIMIT %(size)s
    ) doomed
    WHERE c.id = doomed.id
    RETURNING pg_column_size(c.evaluation_event) AS bytes
)
SELECT CASE WHEN count(*) > 0 THEN 0 END, count(*), coalesce(sum(g.bytes), 0) FROM gone g
