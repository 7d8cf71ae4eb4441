-- The UTC days of a tenant before %(before)s with sales that were decided after the day's figures were computed, or that
-- they do not know.
-- Indexes: matched_attributions_by_strategy from %(since)s on, the primary keys of conversions and conversion_buyers,
-- campaign_analytics_daily_by_date.
-- (SELECT %(tenant_id)s) hides the tenant from the planner, which takes one that is newer than its statistics for one row.
SELECT x.day
FROM (
    SELECT (c.occurred_at AT TIME ZONE 'UTC')::date AS day,
           max(a.matched_at) FILTER (WHERE a.strategy <> 'unmatched') AS matched_at,
           bool_or(b.conversion_id IS NULL) AS unknown
    FROM trackai.matched_attributions a
    JOIN trackai.conversions c ON c.tenant_id = a.tenant_id AND c.id = a.conversion_id
    LEFT JOIN trackai.conversion_buyers b ON b.tenant_id = a.tenant_id AND b.conversion_id = a.conversion_id
    WHERE a.tenant_id = (SELECT %(tenant_id)s) AND a.strategy IN ('fbc', 'fbp', 'email', 'unmatched')
      AND a.matched_at > %(since)s
      AND c.occurred_at < %(before)s::date::timestamp AT TIME ZONE 'UTC'
    GROUP BY 1
) x
CROSS JOIN LATERAL (
    SELECT min(d.computed_at) AS computed_at
    FROM trackai.campaign_analytics_daily d
    WHERE d.tenant_id = (SELECT %(tenant_id)s) AND d.date = x.day
) k
WHERE x.unknown OR x.matched_at > coalesce(k.computed_at - %(margin)s, '-infinity')
