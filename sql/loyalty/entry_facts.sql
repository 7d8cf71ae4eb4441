-- What decides whether a creator can enter a raffle: whether it is open to members at all, whether it is over, whether the
-- creator's tier is in it, and when the creator entered. No row where there is no such raffle or creator.
-- Indexes: the keys of all tables.
SELECT p.status = 'active' AND i.enabled AND i.activated AND r.enabled
           AND m.enrolled_on <= p.day AND coalesce(m.left_on > p.day, true) AS is_open,
       p.day >= i.raffle_end_date OR d.closed_at IS NOT NULL AS is_over,
       coalesce(i.tier_eligibility IN ('all', m.current_tier), false) AS in_tier,
       e.participated_at
FROM trackai.missions i
JOIN trackai.raffle_draws d ON d.tenant_id = i.tenant_id AND d.mission_id = i.mission_id
JOIN trackai.rewards r ON r.tenant_id = i.tenant_id AND r.reward_id = i.reward_id
JOIN trackai.loyalty_members m ON m.tenant_id = i.tenant_id AND m.user_id = %(user_id)s
CROSS JOIN LATERAL (
    SELECT p.status, l.day
    FROM trackai.loyalty_programs p
    CROSS JOIN LATERAL (SELECT (%(now)s::timestamptz AT TIME ZONE p.time_zone)::date AS day) l
    WHERE p.tenant_id = i.tenant_id AND p.valid_from <= l.day
    ORDER BY p.valid_from DESC
    LIMIT 1
) p
LEFT JOIN trackai.raffle_participations e
    ON e.tenant_id = i.tenant_id AND e.mission_id = i.mission_id AND e.user_id = m.user_id
WHERE i.tenant_id = %(tenant_id)s AND i.mission_id = %(mission_id)s AND i.mission_type = 'raffle'
