-- Which optional values could not be used in the landing files that were loaded on some UTC days, most frequent first.
-- Index: none. Reads one row for each file ever loaded.
-- Guarantees: at most `most` rows.
SELECT by_column.key AS column_name,
       by_reason.key AS reason,
       sum(by_reason.value::bigint)::bigint AS count,
       count(*) AS files
FROM trackai.ingest_files AS file
CROSS JOIN jsonb_each(file.left_out) AS by_column
CROSS JOIN jsonb_each_text(by_column.value) AS by_reason
WHERE file.loaded_at >= %(first)s::date::timestamp AT TIME ZONE 'UTC'
  AND file.loaded_at < (%(last)s::date + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY by_column.key, by_reason.key
ORDER BY count DESC, column_name, reason
LIMIT %(most)s
