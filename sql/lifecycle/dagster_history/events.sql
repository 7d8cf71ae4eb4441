-- Deletes events of Dagster's storage that nobody asks for any more, among the next %(size)s after %(after)s, in one
-- statement with their tags. An event may go when its run is closed (or there is none) and it is old enough: by the
-- end of its run, or, for a materialisation or observation of a partition, by its own time. An event of an asset goes
-- only when a newer one of the same asset, kind and partition is there.
-- Index: event_logs_pkey for the batch, runs_run_id_key for the runs, idx_events_by_asset_partition (without a partition
-- idx_events_by_asset) for what is newer, idx_asset_event_tags_event_id for the tags.
-- Guarantees: Dagster's answers to "the newest of each partition" stay the same. Returns one row: the last id looked at
-- (NULL at the end), events deleted, superseded materialisations among them, their bytes.
WITH batch AS MATERIALIZED (
    SELECT e.id, e.run_id, e.asset_key, e.dagster_event_type AS kind, e.partition, e."timestamp" AS at
    FROM event_logs e
    WHERE e.id > %(after)s
    ORDER BY e.id
    LIMIT %(size)s
), aged AS (
    SELECT b.*,
        b.partition IS NOT NULL AND b.kind IN ('ASSET_MATERIALIZATION', 'ASSET_OBSERVATION') AS of_partition,
        coalesce(to_timestamp(r.end_time), coalesce(r.update_timestamp, b.at) AT TIME ZONE 'UTC') AS ended
    FROM batch b
    LEFT JOIN runs r ON r.run_id = b.run_id
    WHERE r.run_id IS NULL
        OR (
            r.status IN ('SUCCESS', 'FAILURE', 'CANCELED')
            AND NOT EXISTS (
                SELECT FROM bulk_actions a
                WHERE a.key = r.backfill_id AND a.status IN ('REQUESTED', 'CANCELING', 'FAILING')
            )
        )
), doomed AS (
    SELECT a.id, a.of_partition AND a.ended >= %(old_before)s AS superseded
    FROM aged a
    WHERE CASE
            WHEN a.of_partition THEN a.at AT TIME ZONE 'UTC' < %(superseded_before)s
            ELSE a.ended < %(old_before)s
        END
        AND (
            a.asset_key IS NULL
            OR EXISTS (
                SELECT FROM event_logs n
                WHERE n.asset_key = a.asset_key AND n.dagster_event_type = a.kind AND n.partition = a.partition
                    AND n.id > a.id
            )
            OR (
                a.partition IS NULL
                AND EXISTS (
                    SELECT FROM event_logs n
                    WHERE n.asset_key = a.asset_key AND n.dagster_event_type = a.kind AND n.partition IS NULL
                        AND n.id > a.id
                )
            )
        )
), gone AS (
    DELETE FROM event_logs e
    USING doomed d
    WHERE e.id = d.id
    RETURNING e.id, d.superseded, pg_column_size(e.event) AS bytes
), tags AS (
    DELETE FROM asset_event_tags t
    USING gone g
    WHERE t.event_id = g.id
)
SELECT
    (SELECT max(id) FROM batch),
    count(*),
    count(*) FILTER (WHERE g.superseded),
    coalesce(sum(g.bytes), 0)
FROM gone g
