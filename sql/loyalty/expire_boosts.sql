-- Ends a tenant's boosts whose days are over by %(day)s, notes the transitions, and returns how many.
-- Index: boosts_by_status. Guarantees: the day that counts is the one after the last, however late this runs.
WITH boost AS (
    UPDATE trackai.commission_boost_redemptions b
    SET boost_status = 'expired', updated_at = %(now)s
    WHERE b.tenant_id = %(tenant_id)s AND b.boost_status = 'active'
      AND b.scheduled_activation_date + b.duration_days <= %(day)s
    RETURNING b.tenant_id, b.id, b.user_id, b.scheduled_activation_date + b.duration_days AS ended_on
),
noted AS (
    INSERT INTO trackai.commission_boost_state_history
        (tenant_id, boost_redemption_id, user_id, transitioned_at, from_status, to_status, effective_on, transition_type,
         created_at)
    SELECT b.tenant_id, b.id, b.user_id, %(now)s, 'active', 'expired', b.ended_on, 'schedule', %(now)s
    FROM boost b
)
SELECT count(*) FROM boost
