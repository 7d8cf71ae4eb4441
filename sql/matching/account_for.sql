-- Counts the conversions that happened since a UTC day: attributed, waiting on the queue, or neither.
-- Indexes: conversions_by_day, primary keys of matched_attributions and match_queue.
-- Guarantees: one snapshot sees both queue and attributions, so a batch under way is never miscounted.
WITH placed AS (
    SELECT c.tenant_id, c.id, count(a.conversion_id) AS attributions, count(q.conversion_id) AS waits
    FROM trackai.conversions c
    LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
    LEFT JOIN trackai.match_queue q ON q.tenant_id = c.tenant_id AND q.conversion_id = c.id
    WHERE c.occurred_at >= %(from_day)s::date::timestamp AT TIME ZONE 'UTC'
    GROUP BY c.tenant_id, c.id
)
SELECT count(*) AS conversions,
       count(*) FILTER (WHERE attributions > 0) AS attributed,
       count(*) FILTER (WHERE attributions = 0 AND waits > 0) AS waiting,
       count(*) FILTER (WHERE attributions = 0 AND waits = 0) AS unaccounted,
       coalesce(sum(attributions - 1) FILTER (WHERE attributions > 1), 0)::bigint AS doubled
FROM placed
