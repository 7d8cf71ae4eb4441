-- Writes a tenant's override of a flag from its state. Index: the key of feature_flag_overrides.
-- Guarantees: `override_state` returns that state once the tenant's rollouts are written, too.
INSERT INTO trackai.feature_flag_overrides
    (tenant_id, flag_id, enabled, rollout_percentage, value, killed, reason, expires_at, created_at, updated_at,
     created_by, updated_by)
SELECT %(tenant_id)s, %(flag_id)s, (given.state ->> 'enabled')::boolean,
       (given.state ->> 'rollout_percentage')::integer, given.state ->> 'value', (given.state ->> 'killed')::boolean,
       %(reason)s, %(expires_at)s, %(now)s, %(now)s, %(by)s, %(by)s
FROM (SELECT %(state)s::jsonb AS state) AS given
ON CONFLICT (tenant_id, flag_id) DO UPDATE
SET enabled = excluded.enabled,
    rollout_percentage = excluded.rollout_percentage,
    value = excluded.value,
    killed = excluded.killed,
    reason = excluded.reason,
    expires_at = excluded.expires_at,
    updated_at = excluded.updated_at,
    updated_by = excluded.updated_by
