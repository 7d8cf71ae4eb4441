-- Writes the prerequisites of a flag that its state has. Index: feature_flags' UNIQUE (key).
INSERT INTO trackai.feature_flag_prerequisites (flag_id, requires_flag_id)
SELECT %(flag_id)s, f.id FROM trackai.feature_flags f WHERE f.key = ANY (%(requires)s)
ON CONFLICT DO NOTHING
