-- Replaces the units of a training; returns how many there are. Index: the primary key.
WITH trained AS (
    SELECT u.unit, u.removal_effect, u.journeys
    FROM unnest(%(units)s::text[], %(removal_effects)s::numeric[], %(journeys)s::bigint[])
        AS u (unit, removal_effect, journeys)
),
removed AS (
    DELETE FROM trackai.attribution_units u
    WHERE u.tenant_id = %(tenant_id)s AND u.training_id = %(training_id)s
      AND NOT EXISTS (SELECT FROM trained t WHERE t.unit = u.unit)
),
written AS (
    INSERT INTO trackai.attribution_units (tenant_id, training_id, unit, removal_effect, journeys)
    SELECT %(tenant_id)s, %(training_id)s, t.unit, t.removal_effect, t.journeys FROM trained t
    ON CONFLICT (tenant_id, training_id, unit) DO UPDATE
    SET removal_effect = excluded.removal_effect, journeys = excluded.journeys
    RETURNING 1
)
SELECT count(*) FROM written
