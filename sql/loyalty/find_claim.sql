-- The redemption that a claim key names. Index: redemptions_once_a_claim_key.
SELECT d.id, d.user_id, d.reward_id, d.mission_id, d.status, d.cycle_key, d.slot, d.claimed_at,
       d.scheduled_activation_date
FROM trackai.redemptions d
WHERE d.tenant_id = %(tenant_id)s AND d.claim_key = %(claim_key)s
