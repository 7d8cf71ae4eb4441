-- Returns what keeps a table from being changed: sessions of this database with an open transaction that has locked it,
-- the oldest first, one row each.
-- Served by pg_locks and pg_stat_activity.
SELECT a.pid, coalesce(nullif(a.application_name, ''), a.backend_type), a.xact_start
FROM pg_stat_activity a
WHERE a.datname = current_database()
  AND a.pid <> pg_backend_pid()
  AND a.xact_start IS NOT NULL
  AND (a.backend_xmin IS NOT NULL OR EXISTS (
      SELECT 1 FROM pg_locks l
      WHERE l.pid = a.pid AND l.granted
        AND l.relation = (quote_ident('trackai') || '.' || quote_ident(%(table)s))::regclass
  ))
ORDER BY a.xact_start
LIMIT 3
