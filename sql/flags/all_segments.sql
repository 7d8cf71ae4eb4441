-- Returns all segments with what they ask for. Reads feature_flag_segments whole: tens of rows.
SELECT s.name, s.kind, coalesce(s.condition, s.definition) FROM trackai.feature_flag_segments s ORDER BY s.name
