-- Counts the other clients that are connected to the server, to any of its databases.
-- Index: none, a view of the server's own state. Guarantees: counts clients only, not the server's workers.
SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
