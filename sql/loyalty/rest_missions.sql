-- Lets the progress in missions rest, of creators whose tier was decided on %(day)s, where the mission is not for the tier
-- that they have now; takes it up where it is. What was claimed stays as it is. Returns how many rows changed.
-- Indexes: tier_checkpoints_by_day, the keys of loyalty_members, mission_progress and missions.
WITH changed AS MATERIALIZED (
    SELECT p.user_id, p.mission_id, p.checkpoint_start, s.status
    FROM trackai.tier_checkpoints t
    JOIN trackai.loyalty_members m ON m.tenant_id = t.tenant_id AND m.user_id = t.user_id
    CROSS JOIN LATERAL (
        SELECT p.user_id, p.mission_id, p.checkpoint_start, p.status, p.current_value, p.target_value
        FROM trackai.mission_progress p
        WHERE p.tenant_id = %(tenant_id)s AND p.user_id = t.user_id
        OFFSET 0
    ) p
    JOIN trackai.missions i ON i.tenant_id = t.tenant_id AND i.mission_id = p.mission_id
    CROSS JOIN LATERAL (
        SELECT CASE
                   WHEN i.tier_eligibility NOT IN ('all', m.current_tier) THEN 'dormant'
                   WHEN p.current_value >= p.target_value THEN 'completed'
                   ELSE 'active'
               END AS status
    ) s
    WHERE t.tenant_id = %(tenant_id)s AND t.checkpoint_date = %(day)s AND p.status <> s.status
      AND NOT EXISTS (
          SELECT FROM trackai.redemptions d
          WHERE d.tenant_id = %(tenant_id)s AND d.user_id = p.user_id AND d.reward_id = i.reward_id
            AND d.mission_id = p.mission_id AND d.checkpoint_start = p.checkpoint_start AND d.slot IS NOT NULL
          OFFSET 0
      )
),
rested AS (
    UPDATE trackai.mission_progress p
    SET status = c.status, updated_at = %(now)s
    FROM changed c
    WHERE p.tenant_id = %(tenant_id)s AND p.user_id = c.user_id AND p.mission_id = c.mission_id
      AND p.checkpoint_start = c.checkpoint_start
    RETURNING p.user_id
)
SELECT count(*) FROM rested
