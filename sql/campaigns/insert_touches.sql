-- Stores the touches of a tenant's UTC day that are not there.
-- Index: the primary key of conversion_touchpoints' partition.
-- Guarantees: with what delete_changed_touches left, the day's touches are those that were computed now.
INSERT INTO trackai.conversion_touchpoints
    (tenant_id, conversion_id, position, day,
     click_id, clicked_at, campaign_id, channel, via, credit_matched, credit_last_touch, credit_first_touch,
     credit_linear, credit_position_based, credit_time_decay, credit_last_non_direct, credit_markov,
     credit_shapley)
SELECT %(tenant_id)s, c.conversion_id, c.position, %(day)s::date,
       c.click_id, c.clicked_at, c.campaign_id, c.channel, c.via, c.credit_matched, c.credit_last_touch,
       c.credit_first_touch, c.credit_linear, c.credit_position_based, c.credit_time_decay,
       c.credit_last_non_direct, c.credit_markov, c.credit_shapley
FROM journey_credits c
WHERE NOT EXISTS (
    SELECT FROM trackai.conversion_touchpoints p
    WHERE p.tenant_id = %(tenant_id)s
      AND p.conversion_id = c.conversion_id
      AND p.position = c.position
      AND p.day = %(day)s
)
ORDER BY c.conversion_id, c.position
