-- The aggregate of one UTC day beside the facts, and whether the log has the day's partition.
-- Indexes: conversions_by_day, daily_match_rates_by_day.
SELECT (SELECT count(*) FROM trackai.conversions c
        WHERE c.occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
          AND c.occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC') AS facts,
       (SELECT coalesce(sum(r.conversions), 0)::bigint FROM trackai.daily_match_rates r
        WHERE r.day = %(day)s::date) AS aggregated,
       (SELECT coalesce(sum(r.pending), 0)::bigint FROM trackai.daily_match_rates r
        WHERE r.day = %(day)s::date) AS pending,
       to_regclass('trackai.match_log_' || to_char(%(day)s::date, 'YYYYMMDD')) IS NOT NULL AS log_partition
