-- Tells the processes that keep members of segments in memory that a segment has others. Reads no table.
SELECT pg_notify('trackai_flag_members', %(segment)s)
