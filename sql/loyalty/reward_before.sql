-- A reward as it is, locked until the transaction ends, and whether it has redemptions. Index: the key of rewards; one claim
-- of it by redemptions_work_list at worst.
SELECT r.type, r.name, r.description, r.value_data, r.reward_source, r.tier_eligibility, r.preview_from_tier, r.enabled,
       r.redemption_frequency, r.redemption_quantity, r.redemption_type, r.creation, r.stock_total, r.expires_days,
       r.starts_on, r.ends_on, r.display_order,
       EXISTS (
           SELECT FROM trackai.redemptions d WHERE d.tenant_id = r.tenant_id AND d.reward_id = r.reward_id
       ) AS is_claimed
FROM trackai.rewards r
WHERE r.tenant_id = %(tenant_id)s AND r.reward_id = %(reward_id)s
FOR NO KEY UPDATE
