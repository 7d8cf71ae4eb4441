-- Returns the attempts of a range's conversions that are still in the database, and when the click that was hit
-- happened. For PostgreSQL.
-- Index: match_log_by_conversion, the primary key of clicks.
-- Guarantees: every attempt appears once.
SELECT l.tenant_id, l.conversion_id, l.strategy, l.outcome, l.click_id, l.created_at
FROM trackai.conversions c
JOIN trackai.match_log l ON l.tenant_id = c.tenant_id AND l.conversion_id = c.id
WHERE c.occurred_at >= {from_day}::date::timestamp AT TIME ZONE 'UTC'
  AND c.occurred_at < {after_day}::date::timestamp AT TIME ZONE 'UTC'
