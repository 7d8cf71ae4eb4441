-- Queues every conversion of the UTC days from %(from_day)s to before %(to_day)s that has no hit: it is tried again,
-- and each attempt is logged. Conversions that were never matched at all are among them, which repairs a lost queue
-- row.
-- Index: conversions_by_day, matched_attributions' primary key. Guarantees: safe to repeat; a conversion is queued
-- once.
INSERT INTO trackai.match_queue (tenant_id, conversion_id, cause)
SELECT c.tenant_id, c.id, 'rematch'
FROM trackai.conversions c
LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
WHERE c.occurred_at >= %(from_day)s::date::timestamp AT TIME ZONE 'UTC'
  AND c.occurred_at < %(to_day)s::date::timestamp AT TIME ZONE 'UTC'
  AND (a.strategy IS NULL OR a.strategy = 'unmatched')
ORDER BY c.tenant_id, c.id
ON CONFLICT (tenant_id, conversion_id) DO UPDATE SET cause = 'rematch' WHERE match_queue.cause <> 'rematch'
