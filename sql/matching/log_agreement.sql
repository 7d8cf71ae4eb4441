-- Compares the attributions decided on one UTC day with that day's log, both ways. An attribution and its log rows have
-- the same time, so one day is enough. A click that was deleted since left the attribution, not the log.
-- Indexes: one partition of match_log by pruning, matched_attributions' primary key; hash joins otherwise. The strategy is
-- compared outside of the join: inside, a young table's statistics make matched_attributions_by_strategy look better
-- than the key, and each hit reads all attributions of its strategy.
WITH log AS MATERIALIZED (
    SELECT tenant_id, conversion_id, created_at, strategy, outcome, click_id
    FROM trackai.match_log
    WHERE created_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
      AND created_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
),
attributed AS MATERIALIZED (
    SELECT tenant_id, conversion_id, matched_at, strategy, click_id
    FROM trackai.matched_attributions
    WHERE matched_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
      AND matched_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
)
SELECT (SELECT count(*) FROM attributed) AS attributions,
       (SELECT count(*) FROM attributed a
        WHERE NOT EXISTS (
            SELECT 1 FROM log l
            WHERE l.tenant_id = a.tenant_id AND l.conversion_id = a.conversion_id AND l.created_at = a.matched_at
              AND CASE
                      WHEN a.strategy = 'unmatched' THEN l.outcome <> 'hit'
                      ELSE l.outcome = 'hit' AND l.strategy = a.strategy
                           AND (a.click_id IS NULL OR a.click_id = l.click_id)
                  END
        )) AS without_log,
       (SELECT count(*) FROM log l
        LEFT JOIN trackai.matched_attributions a
            ON a.tenant_id = l.tenant_id AND a.conversion_id = l.conversion_id
        WHERE l.outcome = 'hit'
          AND (a.conversion_id IS NULL OR a.strategy <> l.strategy OR a.click_id <> l.click_id)) AS without_attribution
