-- Staged results of holdout tests become rows of campaign_lifts; returns how many are new. Of two that were stated for the
-- same test at the same moment the first stays. Index: the unique key, in whose order rows are written.
WITH moved AS (
    INSERT INTO trackai.campaign_lifts
        (tenant_id, campaign_id, from_day, to_day, method, source, stated_at, incremental_conversions,
         incremental_revenue, currency, ci_low, ci_high)
    SELECT tenant_id, campaign_id, from_day, to_day, method, coalesce(source, ''), stated_at, incremental_conversions,
           incremental_revenue, currency, ci_low, ci_high
    FROM pg_temp.staged_campaign_lifts
    ORDER BY tenant_id, campaign_id, from_day, to_day, method, source, stated_at, incremental_conversions
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM moved
