-- Writes the scores of a draw and who won, makes the winners' redemptions, and their gifts where the prize is sent. Returns
-- how many redemptions. Indexes: the keys of raffle_participations, loyalty_members and rewards.
WITH prize AS (
    INSERT INTO trackai.redemptions
        (tenant_id, user_id, reward_id, mission_id, checkpoint_start, status, tier_at_claim, redemption_type, cycle_key,
         slot, claimed_at, created_at, updated_at)
    SELECT m.tenant_id, m.user_id, %(reward_id)s, %(mission_id)s, m.window_start, 'claimed', m.current_tier, 'instant',
           'x:' || %(mission_id)s || ':' || to_char(m.window_start::timestamp, 'YYYY-MM-DD'), 1, %(now)s, %(now)s, %(now)s
    FROM trackai.loyalty_members m
    WHERE m.tenant_id = %(tenant_id)s AND m.user_id = ANY (%(winners)s)
    RETURNING tenant_id, id, user_id, reward_id
),
gift AS (
    INSERT INTO trackai.physical_gift_redemptions
        (tenant_id, redemption_id, user_id, requires_size, size_category, created_at, updated_at)
    SELECT p.tenant_id, p.id, p.user_id, coalesce((r.value_data ->> 'requires_size')::boolean, false),
           r.value_data ->> 'size_category', %(now)s, %(now)s
    FROM prize p
    JOIN trackai.rewards r ON r.tenant_id = p.tenant_id AND r.reward_id = p.reward_id
    WHERE r.type = 'physical_gift'
),
scored AS (
    UPDATE trackai.raffle_participations e
    SET score = s.score, is_winner = s.user_id = ANY (%(winners)s), winner_selected_at = %(now)s, selected_by = %(by)s,
        redemption_id = p.id, updated_at = %(now)s
    FROM unnest(%(users)s::text[], %(scores)s::text[]) AS s (user_id, score)
    LEFT JOIN prize p ON p.user_id = s.user_id
    WHERE e.tenant_id = %(tenant_id)s AND e.mission_id = %(mission_id)s AND e.user_id = s.user_id
)
SELECT count(*) FROM prize
