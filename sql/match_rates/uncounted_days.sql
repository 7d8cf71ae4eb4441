-- Which of the UTC days %(days)s have conversions that daily_match_rates does not count, and how many.
-- Indexes: conversions_by_day, daily_match_rates_by_day; a look-up a day, because the days may lie far apart.
SELECT d.day, c.conversions - r.aggregated AS missing
FROM unnest(%(days)s::date[]) AS d (day)
CROSS JOIN LATERAL (
    SELECT count(*) AS conversions
    FROM trackai.conversions c
    WHERE c.occurred_at >= d.day::timestamp AT TIME ZONE 'UTC'
      AND c.occurred_at < (d.day + 1)::timestamp AT TIME ZONE 'UTC'
) c
CROSS JOIN LATERAL (
    SELECT coalesce(sum(r.conversions), 0)::bigint AS aggregated
    FROM trackai.daily_match_rates r
    WHERE r.day = d.day
) r
WHERE c.conversions > r.aggregated
