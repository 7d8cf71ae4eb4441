-- Returns a segment by its name, with how many members it has. Index: the key of feature_flag_segments; the members are
-- counted whole.
SELECT s.name, s.kind, s.condition, s.definition, s.updated_at, s.updated_by,
       (SELECT count(*) FROM trackai.feature_flag_segment_members m WHERE m.segment = s.name) AS members
FROM trackai.feature_flag_segments s
WHERE s.name = %(name)s
