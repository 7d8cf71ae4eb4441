-- How many residents of each name are alive. Index: none; the table holds a handful of rows.
-- Guarantees: a name that has any lease is there, with 0 where none of them is held and lasts.
SELECT name, count(*) FILTER (WHERE taken_at IS NOT NULL AND expires_at > now()) AS alive
FROM trackai.leases
GROUP BY name
ORDER BY name
