-- Returns the SHA-256 of the bytes that were sent to Meta last for each of these conversions. Index:
-- dispatch_attempts_by_conversion.
SELECT DISTINCT ON (conversion_id) conversion_id, payload_sha256
FROM trackai.dispatch_attempts
WHERE tenant_id = %(tenant_id)s
  AND conversion_id = ANY (%(conversion_ids)b::bigint[])
  AND payload_sha256 IS NOT NULL
  AND target = 'meta'
ORDER BY conversion_id, attempt DESC
