-- The clicks that conversions were matched to, according to {log}: match_log, or a detached day of it.
-- Index: match_log_by_conversion. A hit has the time of its attribution, which leaves one partition.
SELECT l.click_id
FROM unnest(%(conversion_ids)s::bigint[], %(moments)s::timestamptz[]) AS m (conversion_id, moment)
JOIN {log} l
    ON l.tenant_id = %(tenant_id)s AND l.conversion_id = m.conversion_id AND l.created_at = m.moment
WHERE l.outcome = 'hit'
