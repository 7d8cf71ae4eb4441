-- Who holds the session's advisory lock %(lock)s (below 2^31) of this database: name, process, and since when it has been
-- connected. Served by pg_locks and pg_stat_activity; at most one row.
SELECT coalesce(nullif(a.application_name, ''), a.backend_type), a.pid, a.backend_start
FROM pg_locks l
JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted
  AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
  AND l.classid = 0 AND l.objid = %(lock)s AND l.objsubid = 1
