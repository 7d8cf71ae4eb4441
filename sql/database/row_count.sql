-- How many rows a table of schema trackai has, its partitions included: exactly up to %(exactly)s, about beyond that.
-- At most that many rows are read; larger counts come from the statistics views, which lag behind by a second or so.
SELECT CASE WHEN counted.rows <= %(exactly)s THEN counted.rows ELSE greatest(counted.rows, estimated.rows) END
FROM (
    SELECT count(*) AS rows FROM (SELECT FROM {table} LIMIT %(exactly)s + 1) AS read
) AS counted
CROSS JOIN (
    SELECT coalesce(sum(s.n_live_tup), 0)::bigint AS rows
    FROM pg_stat_user_tables s
    WHERE s.relid = %(name)s::regclass
       OR s.relid IN (SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = %(name)s::regclass)
) AS estimated
