-- Removes the entries of a day's files whose rows had been restored: the file that is recorded in the same transaction
-- holds them again. Returns their paths. Index: archives' primary key.
DELETE FROM trackai.archives
WHERE table_name = %(table)s AND day = %(day)s AND state = 'restored'
RETURNING path
