-- When the latest aggregated day began, and when it was computed last; no row before any was.
-- Index: daily_match_rates_by_day.
SELECT r.day::timestamp AT TIME ZONE 'UTC' AS began, max(r.computed_at) AS computed_at
FROM trackai.daily_match_rates r
WHERE r.day = (SELECT max(day) FROM trackai.daily_match_rates)
GROUP BY r.day
