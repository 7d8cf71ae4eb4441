-- Claims look up a dozen keys, which takes less time than planning it.

-- Plans of a function are kept for the session, also behind a pooler. They are look-ups by keys, whatever the statistics say.
CREATE FUNCTION trackai.claim_facts(
    the_tenant text, the_user text, the_reward text, the_mission text, the_claim_key text, the_time timestamptz
)
RETURNS TABLE (
    program_status text, currency text, day date, is_member boolean, current_tier text, type text, value_data jsonb,
    reward_source text, redemption_type text, stock_total integer, is_enabled boolean, has_ended boolean, in_tier boolean,
    mission_completed boolean, cycle_key text, slot integer, window_start date, expiration_date date, has_boost boolean,
    commission_rate numeric
)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH program AS MATERIALIZED (
        SELECT p.status, p.currency, d.day
        FROM trackai.loyalty_programs p
        CROSS JOIN LATERAL (SELECT (the_time AT TIME ZONE p.time_zone)::date AS day) d
        WHERE p.tenant_id = the_tenant AND p.valid_from <= d.day
        ORDER BY p.valid_from DESC
        LIMIT 1
    ),
    reward AS MATERIALIZED (
        SELECT r.*, i.mission_id, i.tier_eligibility AS mission_tier, coalesce(i.enabled, true) AS mission_enabled,
               coalesce(i.tier_eligibility, r.tier_eligibility) AS for_tier
        FROM trackai.rewards r
        LEFT JOIN trackai.missions i
            ON i.tenant_id = r.tenant_id AND i.reward_id = r.reward_id AND i.mission_id = the_mission
        WHERE r.tenant_id = the_tenant AND r.reward_id = the_reward
    ),
    offer AS MATERIALIZED (
        SELECT o.cycle_key, o.slots, o.window_start, o.expiration_date
        FROM program p CROSS JOIN LATERAL trackai.tier_offers(the_tenant, p.day) o
        WHERE the_mission IS NULL AND o.user_id = the_user AND o.reward_id = the_reward
        UNION ALL
        SELECT o.cycle_key, 1, o.checkpoint_start, o.expiration_date
        FROM program p CROSS JOIN LATERAL trackai.mission_offers(the_tenant, p.day) o
        WHERE o.user_id = the_user AND o.mission_id = the_mission AND o.reward_id = the_reward
    ),
    chosen AS MATERIALIZED (
        -- An unlimited reward has a cycle for each claim. Of windows of a mission, the oldest that is not claimed.
        SELECT o.window_start, o.expiration_date, c.cycle_key, s.slot
        FROM offer o
        CROSS JOIN LATERAL (
            SELECT CASE o.cycle_key WHEN 'c:' THEN 'c:' || the_claim_key ELSE o.cycle_key END COLLATE "C" AS cycle_key
        ) c
        LEFT JOIN LATERAL (
            SELECT n.slot
            FROM generate_series(1, coalesce(o.slots, 1)) n (slot)
            LEFT JOIN LATERAL (
                SELECT d.status = 'claimable' AND d.deleted_at IS NULL AS on_offer
                FROM trackai.redemptions d
                WHERE d.tenant_id = the_tenant AND d.user_id = the_user AND d.reward_id = the_reward
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
               WHERE g.tenant_id = the_tenant AND g.user_id = the_user AND g.mission_id = r.mission_id
                 AND g.status = 'completed'
           ) AS mission_completed,
           c.cycle_key, c.slot, c.window_start, c.expiration_date,
           EXISTS (
               SELECT FROM trackai.commission_boost_redemptions b
               WHERE b.tenant_id = the_tenant AND b.user_id = the_user AND b.boost_status IN ('scheduled', 'active')
           ) AS has_boost,
           t.commission_rate
    FROM reward r
    LEFT JOIN program p ON true
    LEFT JOIN trackai.loyalty_members m ON m.tenant_id = the_tenant AND m.user_id = the_user
    LEFT JOIN LATERAL (
        SELECT t.commission_rate
        FROM trackai.tiers t
        WHERE t.tenant_id = the_tenant AND t.tier_id = m.current_tier AND t.valid_from <= p.day
        ORDER BY t.valid_from DESC
        LIMIT 1
    ) t ON true
    LEFT JOIN chosen c ON true;
END $$;
COMMENT ON FUNCTION trackai.claim_facts (text, text, text, text, text, timestamptz) IS 'What decides whether a creator can claim a reward, for the tier or for a mission (NULL: none), at a moment: one row, or none where there is no such reward.';
