-- Returns the tables that are named like a UTC day of a partitioned table of schema trackai, in order of name, and
-- whether each is attached to it, pending (a DETACH CONCURRENTLY that was interrupted) or detached.
-- Served by the catalog; takes no lock on any of them.
SELECT child.relname,
       CASE WHEN i.inhrelid IS NULL THEN 'detached' WHEN i.inhdetachpending THEN 'pending' ELSE 'attached' END AS state
FROM pg_class child
LEFT JOIN pg_inherits i
    ON i.inhrelid = child.oid
   AND i.inhparent = (quote_ident('trackai') || '.' || quote_ident(%(table)s))::regclass
WHERE child.relnamespace = 'trackai'::regnamespace
  AND child.relkind = 'r'
  AND child.relname ~ ('^' || %(table)s || '_[0-9]{8}$')
ORDER BY child.relname
