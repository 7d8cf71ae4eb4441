-- Writes folded checks. Index: feature_flag_usage's UNIQUE (tenant_id, accessed_at, external_id) of each day, which
-- makes a repeated write change nothing.
-- Guarantees: a row for each external id, whatever was sent twice.
WITH written AS (
    INSERT INTO trackai.feature_flag_usage (
        tenant_id, flag_id, user_id, app_type, accessed_at, value_used, device_info, request_id, last_accessed_at, checks,
        cache_hits, response_us, flag_version, override_version, variant_key, user_segment, reason, error_code, bucket,
        overflow, external_id
    )
    SELECT r.tenant_id, r.flag_id, r.user_id, r.app_type, r.accessed_at, r.value_used, r.device_info::jsonb, r.request_id,
           r.last_accessed_at, r.checks, r.cache_hits, r.response_us, r.flag_version, r.override_version, r.variant_key,
           r.user_segment, r.reason, r.error_code, r.bucket, r.overflow, r.external_id
    FROM unnest(
        %(tenant_id)s::text[], %(flag_id)s::bigint[], %(user_id)s::text[], %(app_type)s::text[],
        %(accessed_at)s::timestamptz[], %(value_used)s::boolean[], %(device_info)s::text[], %(request_id)s::text[],
        %(last_accessed_at)s::timestamptz[], %(checks)s::integer[], %(cache_hits)s::integer[], %(response_us)s::bigint[],
        %(flag_version)s::bigint[], %(override_version)s::bigint[], %(variant_key)s::text[], %(user_segment)s::text[],
        %(reason)s::text[], %(error_code)s::text[], %(bucket)s::smallint[], %(overflow)s::boolean[],
        %(external_id)s::text[]
    ) AS r (
        tenant_id, flag_id, user_id, app_type, accessed_at, value_used, device_info, request_id, last_accessed_at, checks,
        cache_hits, response_us, flag_version, override_version, variant_key, user_segment, reason, error_code, bucket,
        overflow, external_id
    )
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM written
