-- What each campaign of a tenant cost and sold over days of the time zone %(time_zone)s, from the hours that begin on them.
-- Costs that are not known by hours are left out; amounts are NULL where that of an hour is unknown or in another currency.
-- Index: campaign_trend_data_by_period.
SELECT h.campaign_id AS name,
       CASE WHEN count(DISTINCT h.currency) = 1 THEN min(h.currency) END AS currency,
       CASE WHEN count(DISTINCT h.currency) < 2 AND bool_and(h.spend IS NOT NULL OR h.views IS NULL)
           THEN sum(h.spend) END AS spend,
       sum(h.views)::bigint AS impressions,
       sum(h.conversions) AS sales,
       CASE WHEN count(DISTINCT h.currency) < 2 AND bool_and(h.revenue IS NOT NULL) THEN sum(h.revenue) END AS revenue
FROM trackai.campaign_trend_data h
WHERE h.tenant_id = %(tenant_id)s AND h.granularity = 'hourly'
  AND h.period >= %(from_day)s::date::timestamp AT TIME ZONE %(time_zone)s
  AND h.period < (%(to_day)s::date + 1)::timestamp AT TIME ZONE %(time_zone)s
GROUP BY h.campaign_id
