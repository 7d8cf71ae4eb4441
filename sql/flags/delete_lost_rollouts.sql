-- Deletes the rollout rows of a scope that its state does not have. Index: idx_ffr_flag_id.
DELETE FROM trackai.feature_flag_rollouts r
WHERE r.flag_id = %(flag_id)s
  AND r.tenant_id IS NOT DISTINCT FROM %(tenant_id)s
  AND NOT EXISTS (
      SELECT 1
      FROM jsonb_to_recordset(%(rollouts)s::jsonb) AS given (user_segment text, variant_key text)
      WHERE given.user_segment IS NOT DISTINCT FROM r.user_segment
        AND given.variant_key IS NOT DISTINCT FROM r.variant_key
  )
