-- Returns the members of segments, of one tenant or of all (NULL). Index: the key of feature_flag_segment_members where a
-- tenant is given; else the members are read whole.
SELECT m.tenant_id, m.segment, m.user_id
FROM trackai.feature_flag_segment_members m
WHERE m.segment = ANY (%(segments)s)
  AND (%(tenant_id)s::text IS NULL OR m.tenant_id = %(tenant_id)s)
