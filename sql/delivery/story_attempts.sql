-- Returns all attempts to deliver one conversion, in order. Index: dispatch_attempts_by_conversion.
SELECT attempt, status, http_status, error_code, error_subcode, fbtrace_id, failure, message, payload_sha256, event_id,
       created_at, completed_at, target, flag_version
FROM trackai.dispatch_attempts
WHERE tenant_id = %(tenant_id)s AND conversion_id = %(conversion_id)s
ORDER BY attempt
