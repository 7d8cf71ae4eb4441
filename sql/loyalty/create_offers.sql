-- Makes the rows of eager rewards that a tenant's creators can claim on %(day)s and that are missing, and brings back those
-- that were taken back or had lapsed. Returns how many.
-- Members, rewards and redemptions of the tenant are read once and joined by hashes: call it without nested loops.
-- Guarantees: one row a slot, however often the tier changes; repeating it does nothing.
WITH offer AS MATERIALIZED (
    SELECT o.user_id, o.reward_id, o.tier_id, o.window_start, o.cycle_key, o.expiration_date, n.slot
    FROM trackai.tier_offers(%(tenant_id)s, %(day)s) o
    CROSS JOIN LATERAL generate_series(1, o.slots) n (slot)
    LEFT JOIN trackai.redemptions d
        ON d.tenant_id = %(tenant_id)s AND d.user_id = o.user_id AND d.reward_id = o.reward_id
       AND d.cycle_key = o.cycle_key AND d.slot = n.slot
    WHERE o.creation = 'eager'
      AND (d.id IS NULL OR d.status = 'expired' OR (d.status = 'claimable' AND d.deleted_at IS NOT NULL))
),
written AS (
    INSERT INTO trackai.redemptions
        (tenant_id, user_id, reward_id, checkpoint_start, status, tier_at_claim, redemption_type, cycle_key, slot,
         expiration_date, created_at, updated_at)
    SELECT r.tenant_id, o.user_id, o.reward_id, o.window_start, 'claimable', o.tier_id, r.redemption_type, o.cycle_key,
           o.slot, o.expiration_date, %(now)s, %(now)s
    FROM offer o
    JOIN trackai.rewards r ON r.tenant_id = %(tenant_id)s AND r.reward_id = o.reward_id
    ON CONFLICT ON CONSTRAINT redemptions_once_a_slot DO UPDATE
    SET status = 'claimable', expired_at = NULL, ended_at = NULL, deleted_at = NULL, deleted_reason = NULL,
        tier_at_claim = excluded.tier_at_claim, checkpoint_start = excluded.checkpoint_start,
        expiration_date = excluded.expiration_date, reactivations = redemptions.reactivations + 1,
        updated_at = excluded.updated_at
    WHERE redemptions.status = 'expired' OR (redemptions.status = 'claimable' AND redemptions.deleted_at IS NOT NULL)
    RETURNING id
)
SELECT count(*) FROM written
