-- How many conversions of eligible tenants wait to be matched (up to 10,000 a tenant), and since when the oldest of
-- them has. Index: match_queue's and conversions' primary keys.
-- Guarantees: one row; the time is NULL when nothing waits. The queue is in no order of time, so beyond the 10,000
-- it is the oldest of those looked at.
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
