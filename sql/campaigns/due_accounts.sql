-- The UTC days of a tenant before %(before)s whose hourly costs an account's new time zone may move: those that had costs by
-- hours around the account's day, and those that get some.
-- Indexes: ad_accounts' primary key, the unique key of ad_cost_statements, campaign_analytics_daily_by_date.
SELECT DISTINCT x.day
FROM (
    SELECT v.day + shift.days AS day, max(a.time_zone_changed_at) AS changed_at,
           bool_or((v.hour_start AT TIME ZONE 'UTC')::date = v.day + shift.days) AS gets_some
    FROM trackai.ad_accounts a
    JOIN trackai.ad_costs v
        ON v.tenant_id = %(tenant_id)s AND v.source = a.source AND v.account_id = a.account_id AND v.hour >= 0
    CROSS JOIN (VALUES (-1), (0), (1)) AS shift (days)
    WHERE a.tenant_id = %(tenant_id)s AND a.time_zone_changed_at > %(since)s
    GROUP BY 1
) x
LEFT JOIN trackai.campaign_analytics_daily d ON d.tenant_id = %(tenant_id)s AND d.date = x.day
WHERE x.day < %(before)s
  AND (x.gets_some OR d.cost_basis = 'hours')
  AND x.changed_at > coalesce(d.computed_at - %(margin)s, '-infinity')
