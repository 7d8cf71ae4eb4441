-- Counts the conversions of one UTC day by the settings of their moment.
-- Indexes: conversions_by_day, matching_settings' primary key or a scan of it: a few rows a tenant.
-- Guarantees: every conversion of the day is counted once, one whose moment has no settings under NULL.
SELECT s.email_matching::text AS email_matching, s.lookback_days::text AS lookback_days, count(*) AS conversions
FROM trackai.conversions c
LEFT JOIN trackai.matching_settings s
    ON s.tenant_id = c.tenant_id AND s.effective_from <= c.occurred_at AND c.occurred_at < s.effective_to
WHERE c.occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
  AND c.occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY 1, 2
