-- The least that analytics of a day must do: read its checks once, and count them and their users.
SELECT tenant_id, flag_id, sum(checks), count(DISTINCT user_id)
FROM trackai.feature_flag_usage
WHERE accessed_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
  AND accessed_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY tenant_id, flag_id
