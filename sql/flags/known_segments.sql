-- Segments with their kind, for files of members. A small table, read whole.
SELECT s.name, s.kind FROM trackai.feature_flag_segments AS s
