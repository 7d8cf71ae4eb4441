-- Returns the columns of a table of schema trackai, in order, with their comments. Served by the catalog.
SELECT a.attname AS name,
       format_type(a.atttypid, a.atttypmod) AS type,
       NOT a.attnotnull AS nullable,
       col_description(a.attrelid, a.attnum) AS comment
FROM pg_attribute a
WHERE a.attrelid = ('trackai.' || quote_ident(%(table)s))::regclass
  AND a.attnum > 0
  AND NOT a.attisdropped
ORDER BY a.attnum
