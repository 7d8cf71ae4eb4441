-- Returns the residents of %(name)s that are promised and have not started yet, and the seconds since each was promised
-- or kept; lapsed promises, too, because what starts may have been looked at long ago. Index: leases' primary key.
SELECT holder,
       extract(EPOCH FROM now() - (expires_at - make_interval(secs => %(start)s)))::double precision AS age
FROM trackai.leases
WHERE name = %(name)s AND taken_at IS NULL
ORDER BY holder
