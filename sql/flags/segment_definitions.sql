-- Returns kind and condition of every segment, as states have them. Reads feature_flag_segments whole: tens of rows.
SELECT s.name, jsonb_build_object('kind', s.kind, 'condition', s.condition)
FROM trackai.feature_flag_segments s
