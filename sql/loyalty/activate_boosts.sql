-- Activates a tenant's boosts whose first day has come by %(day)s, notes the transitions, and returns how many.
-- Index: boosts_by_status. Guarantees: the day that counts is the one that was scheduled, however late this runs.
WITH program AS MATERIALIZED (
    SELECT p.time_zone
    FROM trackai.loyalty_programs p
    WHERE p.tenant_id = %(tenant_id)s AND p.valid_from <= %(day)s
    ORDER BY p.valid_from DESC
    LIMIT 1
),
boost AS (
    UPDATE trackai.commission_boost_redemptions b
    SET boost_status = 'active',
        activated_at = b.scheduled_activation_date::timestamp AT TIME ZONE p.time_zone,
        expires_at = (b.scheduled_activation_date + b.duration_days)::timestamp AT TIME ZONE p.time_zone,
        updated_at = %(now)s
    FROM program p
    WHERE b.tenant_id = %(tenant_id)s AND b.boost_status = 'scheduled' AND b.scheduled_activation_date <= %(day)s
    RETURNING b.tenant_id, b.id, b.user_id, b.redemption_id, b.scheduled_activation_date, b.duration_days
),
parent AS (
    UPDATE trackai.redemptions d
    SET activation_date = b.scheduled_activation_date,
        expiration_date = b.scheduled_activation_date + b.duration_days,
        updated_at = %(now)s
    FROM boost b
    WHERE d.tenant_id = %(tenant_id)s AND d.id = b.redemption_id
),
noted AS (
    INSERT INTO trackai.commission_boost_state_history
        (tenant_id, boost_redemption_id, user_id, transitioned_at, from_status, to_status, effective_on, transition_type,
         created_at)
    SELECT b.tenant_id, b.id, b.user_id, %(now)s, 'scheduled', 'active', b.scheduled_activation_date, 'schedule', %(now)s
    FROM boost b
)
SELECT count(*) FROM boost
