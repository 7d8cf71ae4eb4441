-- What the landing files that were loaded on some UTC days came to.
-- Index: none. Reads one row for each file ever loaded.
-- Guarantees: always one row.
SELECT count(*) AS files,
       coalesce(sum(accepted), 0)::bigint AS accepted,
       coalesce(sum(duplicates), 0)::bigint AS duplicates,
       coalesce(sum(rejected), 0)::bigint AS rejected,
       count(*) FILTER (WHERE note IS NOT NULL) AS noted
FROM trackai.ingest_files
WHERE loaded_at >= %(first)s::date::timestamp AT TIME ZONE 'UTC'
  AND loaded_at < (%(last)s::date + 1)::timestamp AT TIME ZONE 'UTC'
