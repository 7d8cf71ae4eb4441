-- Writes a training; returns its id, which a training of the same tenant and last day keeps. Until the transaction ends,
-- another training of that day waits here.
-- Index: the unique one of (tenant_id, to_day).
INSERT INTO trackai.attribution_trainings
    (tenant_id, to_day, from_day, unit, journeys, conversions, conversion_probability, trained_at)
VALUES (%(tenant_id)s, %(to_day)s, %(from_day)s, %(unit)s, %(journeys)s, %(conversions)s, %(conversion_probability)s, %(now)s)
ON CONFLICT (tenant_id, to_day) DO UPDATE
SET from_day = excluded.from_day,
    unit = excluded.unit,
    journeys = excluded.journeys,
    conversions = excluded.conversions,
    conversion_probability = excluded.conversion_probability,
    trained_at = excluded.trained_at
RETURNING id
