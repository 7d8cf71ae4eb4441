-- The currencies of pg_temp.day_rates (campaigns/stage_rates) that have no rate.
SELECT r.currency
FROM pg_temp.day_rates r
WHERE r.times IS NULL
ORDER BY r.currency
