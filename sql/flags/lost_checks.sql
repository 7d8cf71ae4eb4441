-- Returns the checks of flags that were lost since a moment, by reason: their number, and the last moment.
-- Reads feature_flag_usage_gaps whole, which has a row only where something went wrong.
SELECT g.reason, sum(g.lost_checks)::bigint AS lost, max(g.to_at) AS last
FROM trackai.feature_flag_usage_gaps g
WHERE g.to_at >= %(since)s
GROUP BY g.reason
ORDER BY lost DESC, g.reason
