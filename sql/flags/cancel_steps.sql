-- Cancels the undecided steps of a scope. Returns their numbers. Index: feature_flag_plans_by_flag.
UPDATE trackai.feature_flag_plans p
SET state = 'cancelled', reason = %(reason)s, decided_at = %(now)s
WHERE p.flag_id = %(flag_id)s
  AND p.tenant_id IS NOT DISTINCT FROM %(tenant_id)s
  AND p.state IN ('planned', 'held')
RETURNING p.step
