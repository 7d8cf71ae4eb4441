-- A row where the database knows a time zone by this name. Index: none, the names are few.
SELECT 1 FROM pg_timezone_names WHERE name = %(time_zone)s LIMIT 1
