-- A mission as it is, locked until the transaction ends, and whether it is a raffle that was opened. Index: the keys of
-- missions and raffle_draws.
SELECT i.title, i.display_name, i.description, i.mission_type, i.target_value, i.reward_id, i.tier_eligibility,
       i.preview_from_tier, i.display_order, i.raffle_end_date, i.winners, i.enabled,
       EXISTS (
           SELECT FROM trackai.raffle_draws w WHERE w.tenant_id = i.tenant_id AND w.mission_id = i.mission_id
       ) AS is_open
FROM trackai.missions i
WHERE i.tenant_id = %(tenant_id)s AND i.mission_id = %(mission_id)s
FOR NO KEY UPDATE
