-- Counts the clicks of a tenant's UTC day by campaign and hour, and by campaign (`hour` NULL), into pg_temp.day_clicks.
-- A click key, or a browser key, that was found twice counts once; a click without one counts by itself. Where the day's
-- clicks have left (%(clicks_left)s), the counts are those that were computed when they were there.
-- Indexes: clicks_by_day, campaign_analytics_daily_by_date, campaign_trend_data_by_period.
CREATE TEMPORARY TABLE day_clicks ON COMMIT DROP AS
SELECT g.campaign_id,
       date_trunc('hour', g.created_at, 'UTC') AS hour,
       count(*) AS clicks,
       count(DISTINCT g.click_key) + count(*) FILTER (WHERE g.click_key IS NULL) AS unique_clicks,
       count(DISTINCT g.browser_key) + count(*) FILTER (WHERE g.browser_key IS NULL) AS unique_clickers
FROM trackai.click_campaigns g
WHERE NOT %(clicks_left)s
  AND g.tenant_id = %(tenant_id)s
  AND g.created_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
  AND g.created_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY GROUPING SETS ((1, 2), (1))
UNION ALL
SELECT d.campaign_id, NULL, d.clicks, d.unique_clicks, d.unique_clickers
FROM trackai.campaign_analytics_daily d
WHERE %(clicks_left)s AND d.tenant_id = %(tenant_id)s AND d.date = %(day)s AND d.clicks > 0
UNION ALL
SELECT h.campaign_id, h.period, h.clicks, NULL, NULL
FROM trackai.campaign_trend_data h
WHERE %(clicks_left)s AND h.tenant_id = %(tenant_id)s AND h.granularity = 'hourly' AND h.clicks > 0
  AND h.period >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
  AND h.period < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
