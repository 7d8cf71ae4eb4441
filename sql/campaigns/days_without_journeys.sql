-- Which of the UTC days %(days)s have clicks in reach of matched sales that have no journey yet, with the number of these
-- sales, and their first and last day. A sale reaches clicks from journey_days before it, else from the lookback days of
-- its moment, until five minutes after it.
-- Indexes: conversions_by_day from the day before the first of the days until the longest reach after the last one, and
-- the primary keys of matched_attributions, matching_settings, conversion_journeys and archives.
-- Guarantees: a journey that is in the archive counts as made.
WITH missing AS MATERIALIZED (
    SELECT (c.occurred_at AT TIME ZONE 'UTC')::date AS day,
           -- Without settings, with the longest that is allowed.
           coalesce(t.journey_days, g.lookback_days, 3650) AS reach,
           count(*) AS sales
    FROM trackai.conversions c
    JOIN trackai.tenants t ON t.id = c.tenant_id
    LEFT JOIN trackai.matching_settings g
        ON g.tenant_id = c.tenant_id AND g.effective_from <= c.occurred_at AND c.occurred_at < g.effective_to
    JOIN trackai.matched_attributions a
        ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id AND a.strategy <> 'unmatched'
    WHERE c.occurred_at >= (%(first_day)s::date - 1)::timestamp AT TIME ZONE 'UTC'
      AND c.occurred_at < (
          %(last_day)s::date + 1 + (
              SELECT max(coalesce(every.journey_days, period.lookback_days, 3650))
              FROM trackai.tenants every
              LEFT JOIN trackai.matching_settings period ON period.tenant_id = every.id
          )
      )::timestamp AT TIME ZONE 'UTC'
      AND NOT EXISTS (
          SELECT FROM trackai.conversion_journeys j WHERE j.tenant_id = c.tenant_id AND j.conversion_id = c.id
      )
      AND NOT EXISTS (
          SELECT
          FROM trackai.archives h
          WHERE h.table_name = 'conversion_journeys' AND h.day = (c.occurred_at AT TIME ZONE 'UTC')::date
            AND h.state = 'dropped'
      )
    GROUP BY 1, 2
)
SELECT d.day, sum(m.sales)::bigint AS sales, min(m.day) AS first_day, max(m.day) AS last_day
FROM missing m
JOIN unnest(%(days)s::date[]) AS d (day) ON d.day BETWEEN m.day - m.reach AND m.day + 1
GROUP BY d.day
