-- Returns what the match log says about each conversion, for DuckDB: its strategy and the time of the decision, as the
-- attribution has them.
-- Guarantees: one row for each conversion that has attempts. Without a hit it is unmatched since its first attempts.
CREATE OR REPLACE TABLE decided AS
SELECT tenant_id,
       conversion_id,
       coalesce(max(strategy) FILTER (WHERE outcome = 'hit'), 'unmatched') AS strategy,
       max(click_id) FILTER (WHERE outcome = 'hit') AS click_id,
       coalesce(max(created_at) FILTER (WHERE outcome = 'hit'), min(created_at)) AS matched_at
FROM attempts
GROUP BY ALL
