-- Writes the rollout rows of a scope that its state has. Index: their UNIQUE key finds those that are there.
-- Guarantees: a row that is as it should be is not written.
INSERT INTO trackai.feature_flag_rollouts AS r
    (flag_id, tenant_id, user_segment, variant_key, variant_value, percentage, active, position)
SELECT %(flag_id)s, %(tenant_id)s, given.user_segment, given.variant_key, given.variant_value, given.percentage,
       given.active, given.position
FROM jsonb_to_recordset(%(rollouts)s::jsonb) AS given (
    user_segment text, variant_key text, variant_value text, percentage integer, active boolean, position integer
)
ON CONFLICT (flag_id, tenant_id, user_segment, variant_key) DO UPDATE
SET variant_value = excluded.variant_value,
    percentage = excluded.percentage,
    active = excluded.active,
    position = excluded.position,
    updated_at = %(now)s
WHERE (r.variant_value, r.percentage, r.active, r.position)
      IS DISTINCT FROM (excluded.variant_value, excluded.percentage, excluded.active, excluded.position)
