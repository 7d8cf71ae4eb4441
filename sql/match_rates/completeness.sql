-- Compares the aggregate of one UTC day with the facts, and returns whether the log has the day's partition.
-- Indexes: conversions_by_day, matched_attributions' primary key, daily_match_rates_by_day.
WITH facts AS (
    SELECT count(*) AS conversions, count(*) FILTER (WHERE a.strategy IS NULL) AS undecided
    FROM trackai.conversions c
    LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
    WHERE c.occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
      AND c.occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
)
SELECT facts.conversions AS facts,
       facts.undecided,
       (SELECT coalesce(sum(r.conversions), 0)::bigint FROM trackai.daily_match_rates r
        WHERE r.day = %(day)s::date) AS aggregated,
       (SELECT coalesce(sum(r.pending), 0)::bigint FROM trackai.daily_match_rates r
        WHERE r.day = %(day)s::date) AS pending,
       to_regclass('trackai.match_log_' || to_char(%(day)s::date, 'YYYYMMDD')) IS NOT NULL AS log_partition
FROM facts
