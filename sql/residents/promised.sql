-- Returns the residents of %(name)s that are promised and have not started yet. Index: leases' primary key.
SELECT holder FROM trackai.leases WHERE name = %(name)s AND taken_at IS NULL AND expires_at > now()
