-- Deletes a segment with its members. Index: their keys; the members are read whole.
WITH gone AS (
    DELETE FROM trackai.feature_flag_segment_members m WHERE m.segment = %(name)s
)
DELETE FROM trackai.feature_flag_segments s WHERE s.name = %(name)s
