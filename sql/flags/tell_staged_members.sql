-- Tells the processes that keep members of segments in memory which segments a load touches. Reads staged rows alone.
SELECT pg_notify('trackai_flag_members', s.segment)
FROM (SELECT DISTINCT m.segment FROM pg_temp.staged_flag_segments AS m) AS s
