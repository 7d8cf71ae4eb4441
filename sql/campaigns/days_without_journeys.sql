-- Which of the UTC days %(days)s have clicks in reach of matched sales that have no journey yet, with the number of these
-- sales, and their first and last day. A sale reaches clicks from journey_days before it until five minutes after it.
-- Indexes: conversions_by_day from the day before the first of the days until the longest reach after the last one, and
-- the primary keys of matched_attributions, conversion_journeys and archives.
-- Guarantees: a journey that is in the archive counts as made.
WITH reach AS (
    SELECT t.id AS tenant_id, coalesce(t.journey_days, t.lookback_days) AS days FROM trackai.tenants t
),
missing AS MATERIALIZED (
    SELECT c.tenant_id, (c.occurred_at AT TIME ZONE 'UTC')::date AS day, count(*) AS sales
    FROM trackai.conversions c
    JOIN trackai.matched_attributions a
        ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id AND a.strategy <> 'unmatched'
    WHERE c.occurred_at >= (%(first_day)s::date - 1)::timestamp AT TIME ZONE 'UTC'
      AND c.occurred_at < (%(last_day)s::date + 1 + (SELECT max(r.days) FROM reach r))::timestamp AT TIME ZONE 'UTC'
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
JOIN reach r ON r.tenant_id = m.tenant_id
JOIN unnest(%(days)s::date[]) AS d (day) ON d.day BETWEEN m.day - r.days AND m.day + 1
GROUP BY d.day
