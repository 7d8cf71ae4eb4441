-- Returns the server's settings that decide the pace of bulk work, as a session of ours has them: bytes, seconds, a text,
-- a number, a flag, and how many of the queues autovacuum leaves alone.
-- Index: none. Guarantees: one row.
SELECT pg_size_bytes(current_setting('shared_buffers')) AS shared_buffers,
       pg_size_bytes(current_setting('max_wal_size')) AS max_wal_size,
       extract(EPOCH FROM current_setting('checkpoint_timeout')::interval)::double precision AS checkpoint_timeout,
       current_setting('wal_compression') AS wal_compression,
       current_setting('random_page_cost')::double precision AS random_page_cost,
       current_setting('autovacuum')::boolean AS autovacuum,
       (
           SELECT count(*)
           FROM pg_catalog.pg_class c
           WHERE c.oid IN ('trackai.match_queue'::regclass, 'trackai.dispatch_queue'::regclass)
             AND 'autovacuum_enabled=false' = ANY (c.reloptions)
       ) AS unvacuumed_queues
