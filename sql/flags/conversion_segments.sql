-- The segments whose members are users with conversions, and which conversions. A small table, read whole.
SELECT s.name, s.definition FROM trackai.feature_flag_segments AS s WHERE s.kind = 'conversions' ORDER BY s.name
