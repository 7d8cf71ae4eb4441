-- A row where the clicks of a UTC day have left the database.
-- Index: archives' primary key.
SELECT 1 FROM trackai.archives h WHERE h.table_name = 'clicks' AND h.day = %(day)s AND h.state = 'dropped' LIMIT 1
