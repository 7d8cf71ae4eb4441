-- Deletes the touches of a tenant's UTC day that are not as they were computed now, so that rows that stay the same are not
-- written again.
-- Index: the primary key of conversion_touchpoints' partition.
DELETE FROM trackai.conversion_touchpoints p
WHERE p.tenant_id = %(tenant_id)s
  AND p.day = %(day)s
  AND NOT EXISTS (
      SELECT FROM journey_credits c
      WHERE c.conversion_id = p.conversion_id
        AND c.position = p.position
        AND ROW(
            c.click_id, c.clicked_at, c.campaign_id, c.channel, c.via, c.credit_matched,
            c.credit_last_touch, c.credit_first_touch, c.credit_linear, c.credit_position_based,
            c.credit_time_decay, c.credit_last_non_direct, c.credit_markov, c.credit_shapley
        ) IS NOT DISTINCT FROM ROW(
            p.click_id, p.clicked_at, p.campaign_id, p.channel, p.via, p.credit_matched,
            p.credit_last_touch, p.credit_first_touch, p.credit_linear, p.credit_position_based,
            p.credit_time_decay, p.credit_last_non_direct, p.credit_markov, p.credit_shapley
        )
  )
