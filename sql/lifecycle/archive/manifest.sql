-- The archives of a table, of a UTC day and in certain states; a parameter that is NULL asks for all.
-- Index: archives' primary key; the table has a row a table and day.
SELECT table_name, day, part, state, path, rows, bytes, sha256, checksum, first_row_at, last_row_at, verified_at,
       keep_until, dropped_at
FROM trackai.archives
WHERE (%(table)s::text IS NULL OR table_name = %(table)s)
  AND (%(day)s::date IS NULL OR day = %(day)s)
  AND (%(states)s::text[] IS NULL OR state = ANY (%(states)s))
ORDER BY table_name, day, part
