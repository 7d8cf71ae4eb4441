-- Returns the residents of %(name)s that are alive, the eldest first. Index: leases' primary key.
SELECT holder
FROM trackai.leases
WHERE name = %(name)s AND taken_at IS NOT NULL AND expires_at > now()
ORDER BY taken_at, holder
