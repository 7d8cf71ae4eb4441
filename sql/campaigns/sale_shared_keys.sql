-- Returns the keys that the journeys which were found just now did not follow, and why.
-- Reads temporary tables only (journey_keys.sql).
SELECT k.rank, k.key, k.why FROM journey_keys_1 k WHERE k.why IS NOT NULL
UNION ALL
SELECT k.rank, k.key, k.why FROM journey_keys_2 k WHERE k.why IS NOT NULL
ORDER BY 1, 2
