-- Returns a row where the touches of a UTC day are in the archive only.
-- Index: the primary key of archives.
SELECT 1 FROM trackai.archives h
WHERE h.table_name = 'conversion_touchpoints' AND h.day = %(day)s AND h.state = 'dropped'
LIMIT 1
