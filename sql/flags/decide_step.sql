-- Writes what became of a guarded step. Index: the key of feature_flag_plans.
-- Guarantees: a step that is applied or cancelled stays so.
UPDATE trackai.feature_flag_plans p
SET state = %(state)s,
    measured = coalesce(%(measured)s, p.measured),
    version = coalesce(%(version)s, p.version),
    reason = coalesce(%(reason)s, p.reason),
    decided_at = %(now)s
WHERE p.id = %(id)s AND p.state IN ('planned', 'held')
