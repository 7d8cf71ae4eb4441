-- Returns the checks of a flag by tenants that failed since a moment, and all of them.
-- Reads the partitions of feature_flag_usage since then whole.
SELECT coalesce(sum(u.checks) FILTER (WHERE u.value_used IS NULL), 0)::bigint, coalesce(sum(u.checks), 0)::bigint
FROM trackai.feature_flag_usage u
WHERE u.accessed_at >= %(since)s AND u.flag_id = %(flag_id)s AND u.tenant_id = ANY (%(tenants)s)
