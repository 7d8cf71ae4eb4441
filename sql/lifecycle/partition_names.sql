-- The partitions that a partitioned table of schema trackai has, attached ones only, in order of name.
-- Served by the catalog; takes no lock on the table.
SELECT child.relname
FROM pg_inherits i
JOIN pg_class child ON child.oid = i.inhrelid
WHERE i.inhparent = (quote_ident('trackai') || '.' || quote_ident(%(table)s))::regclass AND NOT i.inhdetachpending
ORDER BY child.relname
