-- Returns the stored touches of one sale, in order.
-- Index: the primary key of conversion_touchpoints' partition.
SELECT p.position, p.clicked_at, p.campaign_id, p.channel, p.via,
       p.credit_matched, p.credit_last_touch, p.credit_first_touch, p.credit_linear, p.credit_position_based,
       p.credit_time_decay, p.credit_last_non_direct, p.credit_markov, p.credit_shapley
FROM trackai.conversion_touchpoints p
WHERE p.tenant_id = %(tenant_id)s AND p.conversion_id = %(conversion_id)s AND p.day = %(day)s
ORDER BY p.position
