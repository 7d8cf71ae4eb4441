-- Counts the conversions of eligible tenants that wait to be matched (up to 10,000 for each tenant), and returns since
-- when the oldest has waited. Index: primary keys of match_queue and conversions.
-- Guarantees: one row; the time is NULL when nothing waits. The queue is not ordered by time, so beyond the 10,000 it
-- is the oldest of those counted.
SELECT count(*) AS conversions, min(c.created_at) AS since
FROM trackai.tenants t
CROSS JOIN LATERAL (
    SELECT q.conversion_id
    FROM trackai.match_queue q
    WHERE q.tenant_id = t.id AND q.cause = 'new'
    ORDER BY q.tenant_id, q.conversion_id
    LIMIT 10000
) waiting
JOIN trackai.conversions c ON c.tenant_id = t.id AND c.id = waiting.conversion_id
WHERE t.status IN ('provisioning', 'active')
