-- About how many bytes a row of a table takes, its indexes included; NULL before the table was first analysed.
-- Served by the catalog; no row is read.
SELECT CASE WHEN reltuples > 0 THEN pg_total_relation_size(oid) / reltuples END
FROM pg_class
WHERE oid = ('trackai.' || quote_ident(%(table)s))::regclass
