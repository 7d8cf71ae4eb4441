-- The UTC days of a tenant since whose sales 30 days have passed, and were computed before: now it is known which buyers
-- came back.
-- Index: campaign_analytics_segments_by_date, from the days that the last scan may have left on.
SELECT DISTINCT s.date
FROM trackai.campaign_analytics_segments s
WHERE s.tenant_id = %(tenant_id)s
  AND s.date BETWEEN (%(since)s AT TIME ZONE 'UTC')::date - 32 AND %(today)s::date - 31
  AND s.computed_at < (s.date + 31)::timestamp AT TIME ZONE 'UTC'
