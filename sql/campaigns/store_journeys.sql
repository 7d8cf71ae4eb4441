-- Stores the journeys of a tenant's UTC day, and counts them.
-- Index: the primary key of conversion_journeys.
-- Guarantees: one for each matched sale of the day. A journey that is kept keeps what was not followed and what was left
-- out, which its facts no longer tell.
WITH stored AS (
    INSERT INTO trackai.conversion_journeys AS j
        (tenant_id, conversion_id, day, touches, shared_keys, truncated, training_id, computed_at)
    SELECT %(tenant_id)s, c.conversion_id, %(day)s::date, c.touches,
           CASE WHEN s.kept THEN s.shared_keys ELSE coalesce(k.shared_keys, 0) END,
           CASE WHEN s.kept THEN s.truncated ELSE c.truncated END,
           c.training_id,
           %(now)s
    FROM (
        SELECT c.conversion_id, count(*) AS touches, bool_or(c.truncated) AS truncated, max(c.training_id) AS training_id
        FROM journey_credits c
        GROUP BY c.conversion_id
    ) c
    JOIN journey_sales s ON s.conversion_id = c.conversion_id
    LEFT JOIN (
        SELECT k.conversion_id, count(*) AS shared_keys
        FROM (
            SELECT f.conversion_id FROM {first_keys} f WHERE f.why IS NOT NULL
            UNION ALL
            SELECT f.conversion_id FROM {second_keys} f WHERE f.why IS NOT NULL
        ) k
        GROUP BY k.conversion_id
    ) k ON k.conversion_id = c.conversion_id
    ON CONFLICT (tenant_id, conversion_id) DO UPDATE
    SET day = excluded.day,
        touches = excluded.touches,
        shared_keys = excluded.shared_keys,
        truncated = excluded.truncated,
        training_id = excluded.training_id,
        computed_at = excluded.computed_at
    RETURNING j.touches, j.shared_keys, j.truncated
)
SELECT count(*) AS journeys,
       coalesce(sum(s.touches), 0)::bigint AS touches,
       coalesce(sum(s.shared_keys), 0)::bigint AS shared_keys,
       count(*) FILTER (WHERE s.shared_keys > 0) AS met_shared_keys,
       count(*) FILTER (WHERE s.truncated) AS truncated
FROM stored s
