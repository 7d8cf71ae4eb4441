-- The UTC days before %(before)s that have a table of their own for the rows of %(table)s, in order, with its name, its size
-- in bytes with indexes, and whether it is detached. A detach that was interrupted counts as attached.
-- Served by the catalog and the files' sizes; no row is read.
SELECT to_date(right(child.relname, 8), 'YYYYMMDD') AS day,
       child.relname,
       pg_total_relation_size(child.oid) AS bytes,
       i.inhrelid IS NULL AS alone
FROM pg_class child
LEFT JOIN pg_inherits i
    ON i.inhrelid = child.oid
   AND i.inhparent = (quote_ident('trackai') || '.' || quote_ident(%(table)s))::regclass
WHERE child.relnamespace = 'trackai'::regnamespace
  AND child.relkind = 'r'
  AND child.relname ~ ('^' || %(table)s || '_[0-9]{8}$')
  AND right(child.relname, 8) < to_char(%(before)s::date, 'YYYYMMDD')
ORDER BY 1
