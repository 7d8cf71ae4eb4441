-- Replaces the sets of a training; returns how many there are. Index: the primary key.
WITH trained AS (
    SELECT s.set_key, s.journeys, s.conversions, s.shares::jsonb AS shares
    FROM unnest(%(set_keys)s::text[], %(journeys)s::bigint[], %(conversions)s::bigint[], %(shares)s::text[])
        AS s (set_key, journeys, conversions, shares)
),
removed AS (
    DELETE FROM trackai.attribution_sets s
    WHERE s.tenant_id = %(tenant_id)s AND s.training_id = %(training_id)s
      AND NOT EXISTS (SELECT FROM trained t WHERE t.set_key = s.set_key)
),
written AS (
    INSERT INTO trackai.attribution_sets (tenant_id, training_id, set_key, journeys, conversions, shares)
    SELECT %(tenant_id)s, %(training_id)s, t.set_key, t.journeys, t.conversions, t.shares FROM trained t
    ON CONFLICT (tenant_id, training_id, set_key) DO UPDATE
    SET journeys = excluded.journeys, conversions = excluded.conversions, shares = excluded.shares
    RETURNING 1
)
SELECT count(*) FROM written
