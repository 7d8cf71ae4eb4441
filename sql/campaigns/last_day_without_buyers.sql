-- The newest UTC day whose sales, or the buyers of whose sales, have begun to leave for the archive; NULL where none have.
-- Reads the archives of both tables, a row a day.
SELECT max(a.day)
FROM trackai.archives a
WHERE a.table_name IN ('conversion_buyers', 'conversions') AND a.dropped_at IS NOT NULL AND a.state <> 'restored'
