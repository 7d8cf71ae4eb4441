-- Counts one UTC day of the match log: attempts by strategy and outcome, and the first attempts among them.
-- Index: none; partition pruning leaves one partition, which is read once.
SELECT strategy, outcome, count(*) AS attempts, count(*) FILTER (WHERE attempt = 1) AS first
FROM trackai.match_log
WHERE created_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
  AND created_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY strategy, outcome
