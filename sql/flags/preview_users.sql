-- Returns the different checks of each user of some flags since a moment, each with when it was last made; of one tenant,
-- or of all (NULL).
-- Reads the partitions of feature_flag_usage since then whole; there is no index by flag, because days are read whole.
-- Checks whose user was left out are not there.
SELECT u.tenant_id, u.user_id, u.flag_id, u.flag_version, u.override_version, u.user_segment, u.reason, u.bucket,
       max(u.last_accessed_at) AS last_at
FROM trackai.feature_flag_usage u
WHERE u.accessed_at >= %(since)s
  AND u.flag_id = ANY (%(flags)s)
  AND u.user_id IS NOT NULL
  AND u.flag_version IS NOT NULL
  AND (%(tenant_id)s::text IS NULL OR u.tenant_id = %(tenant_id)s)
GROUP BY u.tenant_id, u.user_id, u.flag_id, u.flag_version, u.override_version, u.user_segment, u.reason, u.bucket
