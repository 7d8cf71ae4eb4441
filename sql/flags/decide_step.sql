-- Writes what became of a guarded step. Index: the key of feature_flag_plans.
-- Guarantees: a step that is applied or cancelled stays so; one that is held again keeps the moment since when it is.
UPDATE trackai.feature_flag_plans p
SET state = %(state)s,
    measured = coalesce(%(measured)s, p.measured),
    version = coalesce(%(version)s, p.version),
    decided_at = CASE WHEN p.state = %(state)s THEN p.decided_at ELSE %(now)s END
WHERE p.id = %(id)s AND p.state IN ('planned', 'held')
