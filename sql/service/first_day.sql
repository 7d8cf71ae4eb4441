-- The UTC day of the oldest sale, NULL when there is none. Days that were aggregated count although their sales may have
-- left. Indexes: daily_match_rates_by_day, then conversions_by_day for what is older than that; only an installation
-- without any aggregated day reads all sales.
WITH aggregated AS MATERIALIZED (
    SELECT min(day) AS day FROM trackai.daily_match_rates
)
SELECT least(
    (SELECT day FROM aggregated),
    (
        SELECT (min(c.occurred_at) AT TIME ZONE 'UTC')::date
        FROM trackai.conversions c
        WHERE c.occurred_at < coalesce((SELECT day FROM aggregated)::timestamp AT TIME ZONE 'UTC', 'infinity')
    )
)
