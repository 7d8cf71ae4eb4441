-- Counts a tenant's missions in the open windows of its creators, up to %(day)s, and writes what changed; %(ledger_upto)s is
-- the last posting, so what the daily sums hold. Returns how many rows changed, and how many were completed by it.
-- Indexes: the keys of loyalty_members and creator_sales_daily, and videos_by_user: one range a creator, however many missions
-- there are.
-- Guarantees: no row is nothing yet. What is claimed stays completed; what is not can fall back. Repeating it does nothing.
WITH mission AS MATERIALIZED (
    SELECT i.mission_id, i.mission_type, i.target_value, i.tier_eligibility, i.reward_id
    FROM trackai.missions i
    WHERE i.tenant_id = %(tenant_id)s AND i.enabled AND i.mission_type <> 'raffle'
),
kinds AS MATERIALIZED (
    SELECT coalesce(bool_or(i.tier_eligibility = 'all'), false) AS for_all,
           coalesce(array_agg(i.tier_eligibility), '{}') AS tiers,
           coalesce(bool_or(i.mission_type <> 'videos'), false) AS count_sales,
           coalesce(bool_or(i.mission_type = 'videos'), false) AS count_videos
    FROM mission i
),
program AS MATERIALIZED (
    SELECT p.currency
    FROM trackai.loyalty_programs p
    WHERE p.tenant_id = %(tenant_id)s AND p.valid_from <= %(day)s
    ORDER BY p.valid_from DESC
    LIMIT 1
),
creator AS MATERIALIZED (
    SELECT m.user_id, m.current_tier, m.window_start, m.window_end, s.sales, s.units, v.videos
    FROM trackai.loyalty_members m
    CROSS JOIN kinds k
    LEFT JOIN LATERAL (
        SELECT coalesce(sum(e.amount) FILTER (WHERE e.currency = (SELECT p.currency FROM program p)), 0) AS sales,
               coalesce(sum(e.units), 0) AS units
        FROM trackai.creator_sales_daily e
        WHERE k.count_sales AND e.tenant_id = %(tenant_id)s
          AND (e.user_id, e.sale_day) >= (m.user_id, m.window_start) AND (e.user_id, e.sale_day) < (m.user_id, %(day)s)
        OFFSET 0
    ) s ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS videos
        FROM trackai.videos x
        WHERE k.count_videos AND x.tenant_id = %(tenant_id)s AND x.user_id = m.user_id
          AND x.post_date >= m.window_start AND x.post_date < %(day)s
        OFFSET 0
    ) v ON true
    WHERE m.tenant_id = %(tenant_id)s AND m.enrolled_on <= %(day)s AND coalesce(m.left_on > %(day)s, true)
      AND m.window_start < %(day)s AND (k.for_all OR m.current_tier = ANY (k.tiers))
),
counted AS MATERIALIZED (
    SELECT c.user_id, i.mission_id, c.window_start, c.window_end, n.current_value, i.target_value,
           n.current_value >= i.target_value OR coalesce(d.is_claimed, false) AS is_completed,
           CASE WHEN g.status = 'completed' THEN g.completed_on ELSE %(day)s END AS completed_on,
           g.status IS NULL OR g.status = 'dormant' OR g.current_value <> n.current_value
               OR g.target_value <> i.target_value AS is_changed
    FROM creator c
    JOIN mission i ON i.tier_eligibility IN ('all', c.current_tier)
    CROSS JOIN LATERAL (
        SELECT CASE i.mission_type WHEN 'sales_dollars' THEN c.sales WHEN 'sales_units' THEN c.units ELSE c.videos END
            AS current_value
    ) n
    LEFT JOIN LATERAL (
        SELECT g.current_value, g.target_value, g.status, g.completed_on
        FROM trackai.mission_progress g
        WHERE g.tenant_id = %(tenant_id)s AND g.user_id = c.user_id AND g.mission_id = i.mission_id
          AND g.checkpoint_start = c.window_start
        OFFSET 0
    ) g ON true
    LEFT JOIN LATERAL (
        SELECT true AS is_claimed
        FROM trackai.redemptions d
        WHERE d.tenant_id = %(tenant_id)s AND d.user_id = c.user_id AND d.reward_id = i.reward_id
          AND d.mission_id = i.mission_id AND d.checkpoint_start = c.window_start AND d.slot IS NOT NULL
        LIMIT 1
    ) d ON g.status = 'completed'
    WHERE n.current_value <> 0 OR g.status IS NOT NULL
),
written AS (
    INSERT INTO trackai.mission_progress
        (tenant_id, user_id, mission_id, checkpoint_start, checkpoint_end, current_value, target_value, status,
         completed_on, ledger_upto, created_at, updated_at)
    SELECT %(tenant_id)s, c.user_id, c.mission_id, c.window_start, c.window_end, c.current_value, c.target_value,
           CASE WHEN c.is_completed THEN 'completed' ELSE 'active' END, CASE WHEN c.is_completed THEN c.completed_on END,
           %(ledger_upto)s, %(now)s, %(now)s
    FROM counted c
    WHERE c.is_changed
    ON CONFLICT (tenant_id, user_id, mission_id, checkpoint_start) DO UPDATE
    SET checkpoint_end = excluded.checkpoint_end, current_value = excluded.current_value,
        target_value = excluded.target_value, status = excluded.status, completed_on = excluded.completed_on,
        ledger_upto = excluded.ledger_upto, updated_at = excluded.updated_at
    RETURNING completed_on
)
SELECT count(*) AS changed, count(*) FILTER (WHERE w.completed_on = %(day)s) AS completed FROM written w
