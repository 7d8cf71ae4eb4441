-- The UTC days of a tenant before %(before)s with costs that were first or last stated after the day's figures were
-- computed. An hour of an account's day may belong to another UTC day: all that the campaign's hours of the day belong to
-- count, because a new statement may decide whether the hours count or the day.
-- Indexes: ad_cost_statements_by_arrival from %(since)s on, the unique key of ad_cost_statements,
-- campaign_analytics_daily_by_date.
SELECT x.day
FROM (
    SELECT coalesce((v.hour_start AT TIME ZONE 'UTC')::date, v.day) AS day, max(s.ingested_at) AS ingested_at
    FROM (
        SELECT n.day, n.source, n.account_id, n.campaign_id, max(n.ingested_at) AS ingested_at
        FROM trackai.ad_cost_statements n
        WHERE n.tenant_id = %(tenant_id)s AND n.ingested_at > %(since)s
        GROUP BY n.day, n.source, n.account_id, n.campaign_id
    ) s
    JOIN trackai.ad_costs v
        ON v.tenant_id = %(tenant_id)s AND v.day = s.day AND v.source = s.source AND v.account_id = s.account_id
       AND v.campaign_id = s.campaign_id
    GROUP BY 1
) x
CROSS JOIN LATERAL (
    SELECT min(d.computed_at) AS computed_at
    FROM trackai.campaign_analytics_daily d
    WHERE d.tenant_id = %(tenant_id)s AND d.date = x.day
) k
WHERE x.day < %(before)s AND x.ingested_at > coalesce(k.computed_at - %(margin)s, '-infinity')
