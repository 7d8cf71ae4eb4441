-- Every attempt to match one conversion, in order. Index: match_log_by_conversion, in each partition.
SELECT attempt, strategy, outcome, click_id, created_at, run_id
FROM trackai.match_log
WHERE tenant_id = %(tenant_id)s AND conversion_id = %(conversion_id)s
ORDER BY created_at, attempt
