-- Moves a tenant's expired boosts on: to pending_payout where the account is known, else to pending_info; notes the
-- transitions. The redemptions of the former are fulfilled: what is left is to pay. Returns how many.
-- Index: boosts_by_status.
WITH boost AS (
    UPDATE trackai.commission_boost_redemptions b
    SET boost_status = CASE WHEN b.payment_info_confirmed THEN 'pending_payout' ELSE 'pending_info' END,
        updated_at = %(now)s
    WHERE b.tenant_id = %(tenant_id)s AND b.boost_status = 'expired'
    RETURNING b.tenant_id, b.id, b.user_id, b.redemption_id, b.boost_status,
              b.scheduled_activation_date + b.duration_days AS ended_on
),
parent AS (
    UPDATE trackai.redemptions d
    SET status = 'fulfilled', fulfilled_at = %(now)s, updated_at = %(now)s
    FROM boost b
    WHERE d.tenant_id = %(tenant_id)s AND d.id = b.redemption_id AND b.boost_status = 'pending_payout'
),
noted AS (
    INSERT INTO trackai.commission_boost_state_history
        (tenant_id, boost_redemption_id, user_id, transitioned_at, from_status, to_status, effective_on, transition_type,
         created_at)
    SELECT b.tenant_id, b.id, b.user_id, %(now)s, 'expired', b.boost_status, b.ended_on, 'schedule', %(now)s
    FROM boost b
)
SELECT count(*) FROM boost
