-- The columns of a table of schema trackai that hold values of their own, in order, with their types.
-- Served by the catalog.
SELECT a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_attribute a
WHERE a.attrelid = ('trackai.' || quote_ident(%(relation)s))::regclass
  AND a.attnum > 0
  AND NOT a.attisdropped
  AND a.attgenerated = ''
ORDER BY a.attnum
