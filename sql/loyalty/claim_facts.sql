-- What decides whether a creator can claim a reward, for the tier or for the mission %(mission_id)s: one row, or none where
-- there is no such reward. Call it while the creator is locked.
-- Indexes: the keys of all tables; one program, one creator, one reward. Plans do not depend on statistics.
WITH program AS MATERIALIZED (
    SELECT p.status, p.currency, d.day
    FROM trackai.loyalty_programs p
    CROSS JOIN LATERAL (SELECT (%(now)s::timestamptz AT TIME ZONE p.time_zone)::date AS day) d
    WHERE p.tenant_id = %(tenant_id)s AND p.valid_from <= d.day
    ORDER BY p.valid_from DESC
    LIMIT 1
),
reward AS MATERIALIZED (
    SELECT r.*, i.mission_id, i.tier_eligibility AS mission_tier, coalesce(i.enabled, true) AS mission_enabled,
           coalesce(i.tier_eligibility, r.tier_eligibility) AS for_tier
    FROM trackai.rewards r
    LEFT JOIN trackai.missions i
        ON i.tenant_id = r.tenant_id AND i.reward_id = r.reward_id AND i.mission_id = %(mission_id)s
    WHERE r.tenant_id = %(tenant_id)s AND r.reward_id = %(reward_id)s
),
offer AS MATERIALIZED (
    SELECT o.cycle_key, o.slots, o.window_start, o.expiration_date
    FROM program p CROSS JOIN LATERAL trackai.tier_offers(%(tenant_id)s, p.day) o
    WHERE %(mission_id)s::text IS NULL AND o.user_id = %(user_id)s AND o.reward_id = %(reward_id)s
    UNION ALL
    SELECT o.cycle_key, 1, o.checkpoint_start, o.expiration_date
    FROM program p CROSS JOIN LATERAL trackai.mission_offers(%(tenant_id)s, p.day) o
    WHERE o.user_id = %(user_id)s AND o.mission_id = %(mission_id)s AND o.reward_id = %(reward_id)s
),
chosen AS MATERIALIZED (
    -- An unlimited reward has a cycle for each claim. Of windows of a mission, the oldest that is not claimed.
    SELECT o.window_start, o.expiration_date, c.cycle_key, s.slot
    FROM offer o
    CROSS JOIN LATERAL (
        SELECT CASE o.cycle_key WHEN 'c:' THEN 'c:' || %(claim_key)s ELSE o.cycle_key END COLLATE "C" AS cycle_key
    ) c
    LEFT JOIN LATERAL (
        SELECT n.slot
        FROM generate_series(1, coalesce(o.slots, 1)) n (slot)
        LEFT JOIN LATERAL (
            SELECT d.status = 'claimable' AND d.deleted_at IS NULL AS on_offer
            FROM trackai.redemptions d
            WHERE d.tenant_id = %(tenant_id)s AND d.user_id = %(user_id)s AND d.reward_id = %(reward_id)s
              AND d.cycle_key = c.cycle_key AND d.slot = n.slot
            OFFSET 0
        ) d ON true
        WHERE d.on_offer IS NOT FALSE
        ORDER BY n.slot
        LIMIT 1
    ) s ON true
    ORDER BY s.slot IS NULL, o.window_start
    LIMIT 1
)
SELECT p.status AS program_status, p.currency, p.day,
       m.user_id IS NOT NULL AND m.enrolled_on <= p.day AND coalesce(m.left_on > p.day, true) AS is_member,
       m.current_tier, r.type, r.value_data, r.reward_source, r.redemption_type, r.stock_total,
       r.enabled AND r.mission_enabled AND coalesce(r.starts_on <= p.day, true) AS is_enabled,
       coalesce(r.ends_on <= p.day, false) AS has_ended,
       coalesce(r.for_tier IN ('all', m.current_tier), false) AS in_tier,
       EXISTS (
           SELECT FROM trackai.mission_progress g
           WHERE g.tenant_id = %(tenant_id)s AND g.user_id = %(user_id)s AND g.mission_id = r.mission_id
             AND g.status = 'completed'
       ) AS mission_completed,
       c.cycle_key, c.slot, c.window_start, c.expiration_date,
       EXISTS (
           SELECT FROM trackai.commission_boost_redemptions b
           WHERE b.tenant_id = %(tenant_id)s AND b.user_id = %(user_id)s AND b.boost_status IN ('scheduled', 'active')
       ) AS has_boost,
       t.commission_rate
FROM reward r
LEFT JOIN program p ON true
LEFT JOIN trackai.loyalty_members m ON m.tenant_id = %(tenant_id)s AND m.user_id = %(user_id)s
LEFT JOIN LATERAL (
    SELECT t.commission_rate
    FROM trackai.tiers t
    WHERE t.tenant_id = %(tenant_id)s AND t.tier_id = m.current_tier AND t.valid_from <= p.day
    ORDER BY t.valid_from DESC
    LIMIT 1
) t ON true
LEFT JOIN chosen c ON true
