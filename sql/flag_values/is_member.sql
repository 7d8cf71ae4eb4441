-- Whether a user is in a segment of a tenant. Index: feature_flag_segment_members' primary key, two looks: as it came,
-- and as a contact is stored.
SELECT EXISTS (
    SELECT FROM trackai.feature_flag_segment_members AS m
    WHERE m.tenant_id = %(tenant_id)s AND m.segment = %(segment)s AND m.user_id = ANY(%(user_ids)s)
)
