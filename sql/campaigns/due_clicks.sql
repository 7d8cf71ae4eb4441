-- The UTC days of a tenant before %(before)s with clicks that arrived after the day's figures were computed, or were never
-- counted.
-- Indexes: clicks_by_arrival from %(since)s on, campaign_analytics_daily_by_date.
SELECT x.day
FROM (
    SELECT (k.created_at AT TIME ZONE 'UTC')::date AS day, max(k.ingested_at) AS ingested_at
    FROM trackai.clicks k
    WHERE k.tenant_id = %(tenant_id)s AND k.ingested_at > %(since)s
      AND k.created_at < %(before)s::date::timestamp AT TIME ZONE 'UTC'
    GROUP BY 1
) x
CROSS JOIN LATERAL (
    SELECT min(d.computed_at) AS computed_at
    FROM trackai.campaign_analytics_daily d
    WHERE d.tenant_id = %(tenant_id)s AND d.date = x.day
) f
WHERE x.ingested_at > coalesce(f.computed_at - %(margin)s, '-infinity')
