-- What files of checks look up: ('flag', key, its id) and ('day', each UTC day that feature_flag_usage has a partition of).
-- Reads feature_flags whole, a small table, and the catalogue.
SELECT 'flag', f.key, f.id::text
FROM trackai.feature_flags AS f
UNION ALL
SELECT 'day', to_date(right(c.relname, 8), 'YYYYMMDD')::text, ''
FROM pg_inherits AS i
JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = 'trackai.feature_flag_usage'::regclass
  AND NOT i.inhdetachpending
