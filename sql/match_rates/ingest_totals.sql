-- What all loaded landing files came to.
-- Index: none. One row a file, read once.
-- Guarantees: always one row.
SELECT count(*) AS files,
       coalesce(sum(accepted), 0)::bigint AS accepted,
       coalesce(sum(duplicates), 0)::bigint AS duplicates,
       coalesce(sum(rejected), 0)::bigint AS rejected,
       count(*) FILTER (WHERE note IS NOT NULL) AS noted
FROM trackai.ingest_files;
