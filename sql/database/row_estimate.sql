-- About how many rows a table of schema trackai has, its partitions included. Served by the statistics views: no
-- row is read, so that a run over millions of rows can say it each time.
SELECT coalesce(sum(s.n_live_tup), 0)::bigint
FROM pg_stat_user_tables s
WHERE s.relid = ('trackai.' || quote_ident(%(table)s))::regclass
   OR s.relid IN (
       SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = ('trackai.' || quote_ident(%(table)s))::regclass
   )
