-- The creators of a tenant who were evaluated; with a day, those with an event on it and a thirtieth of all, another one
-- each day. Index: the primary keys.
SELECT m.user_id
FROM trackai.loyalty_members m
WHERE m.tenant_id = %(tenant_id)s AND m.enrolled_on <= %(to_day)s
  AND (m.current_tier IS NOT NULL OR EXISTS (
      SELECT FROM trackai.tier_checkpoints c WHERE c.tenant_id = m.tenant_id AND c.user_id = m.user_id
  ))
  AND (
      %(sampled)s::date IS NULL
      OR mod(abs(hashtext(m.user_id)::bigint), 30) = mod(%(sampled)s::date - '2000-01-01'::date, 30)
      OR EXISTS (
          SELECT FROM trackai.tier_checkpoints c
          WHERE c.tenant_id = m.tenant_id AND c.user_id = m.user_id AND c.checkpoint_date = %(sampled)s::date
      )
  )
ORDER BY m.user_id
