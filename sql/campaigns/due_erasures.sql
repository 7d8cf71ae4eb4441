-- The UTC days of a tenant before %(before)s with sales of a person who was erased after the days were computed: their
-- journeys have shrunk. An erasure may take long, so those of a day before %(since)s count.
-- Indexes: the primary key of erasures, conversion_journeys_by_day (only after an erasure), campaign_analytics_daily_by_date.
SELECT x.day
FROM (
    SELECT j.day, max(j.computed_at) AS computed_at
    FROM trackai.conversion_journeys j
    WHERE j.tenant_id = %(tenant_id)s AND j.day < %(before)s
      AND EXISTS (
          SELECT
          FROM trackai.erasures e
          WHERE e.tenant_id = %(tenant_id)s AND e.erased_at > %(since)s - interval '1 day'
      )
    GROUP BY j.day
) x
CROSS JOIN LATERAL (
    SELECT min(d.computed_at) AS computed_at
    FROM trackai.campaign_analytics_daily d
    WHERE d.tenant_id = %(tenant_id)s AND d.date = x.day
) k
WHERE x.computed_at > k.computed_at
