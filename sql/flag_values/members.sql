-- The members of segments of tenants, given in pairs. Index: feature_flag_segment_members' primary key.
SELECT m.tenant_id, m.segment, m.user_id
FROM unnest(%(tenant_ids)s::text[], %(segments)s::text[]) AS s (tenant_id, segment)
JOIN trackai.feature_flag_segment_members AS m ON m.tenant_id = s.tenant_id AND m.segment = s.segment
