-- Strikes out the files of a day whose rows had been restored: the file that is recorded in the same transaction holds
-- them again. Gives their paths. Index: archives' primary key.
DELETE FROM trackai.archives
WHERE table_name = %(table)s AND day = %(day)s AND state = 'restored'
RETURNING path
