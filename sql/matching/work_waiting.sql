-- Returns how much a drain would find: conversions of eligible tenants on the queue (counted up to 10,000 for each
-- tenant, which is enough to know), and whether arrived clicks or identities, or deleted clicks, wait to be processed.
-- Index: primary keys of match_queue, fact_arrivals and deleted_clicks.
SELECT coalesce(sum(waiting.rows), 0)::bigint AS conversions,
       EXISTS (SELECT 1 FROM trackai.fact_arrivals) OR EXISTS (SELECT 1 FROM trackai.deleted_clicks) AS arrivals
FROM trackai.tenants t
CROSS JOIN LATERAL (
    SELECT count(*) AS rows
    FROM (SELECT 1 FROM trackai.match_queue q WHERE q.tenant_id = t.id LIMIT 10000) AS found
) waiting
WHERE t.status IN ('provisioning', 'active')
