-- Claims a slot of a reward's cycle: a new row, or the eager one that is on offer; no row where it is taken.
-- Index: redemptions_once_a_slot. Guarantees: of any number of claims of a slot one succeeds.
INSERT INTO trackai.redemptions
    (tenant_id, user_id, reward_id, mission_id, checkpoint_start, status, tier_at_claim, redemption_type, cycle_key, slot,
     claim_key, claimed_at, scheduled_activation_date, scheduled_activation_time, expiration_date, created_at,
     updated_at)
VALUES
    (%(tenant_id)s, %(user_id)s, %(reward_id)s, %(mission_id)s, %(checkpoint_start)s, 'claimed', %(tier)s,
     %(redemption_type)s, %(cycle_key)s, %(slot)s, %(claim_key)s, %(now)s, %(scheduled_on)s, %(scheduled_at)s,
     %(expiration_date)s, %(now)s, %(now)s)
ON CONFLICT ON CONSTRAINT redemptions_once_a_slot DO UPDATE
SET status = 'claimed', tier_at_claim = excluded.tier_at_claim, claim_key = excluded.claim_key,
    claimed_at = excluded.claimed_at, scheduled_activation_date = excluded.scheduled_activation_date,
    scheduled_activation_time = excluded.scheduled_activation_time, updated_at = excluded.updated_at
WHERE redemptions.status = 'claimable' AND redemptions.deleted_at IS NULL
RETURNING id, user_id, reward_id, mission_id, status, cycle_key, slot, claimed_at, scheduled_activation_date
