-- Eager rewards whose rows do not follow the tiers after the last evaluated day, and rewards that were claimed too often: a
-- row each, at most %(most)s. Rewards that were set since then wait for the next evaluation.
-- Indexes: the keys of loyalty_members and rewards, then redemptions_once_a_slot, once a creator, reward and slot;
-- redemptions_work_list.
WITH evaluated AS MATERIALIZED (
    SELECT DISTINCT ON (e.tenant_id) e.tenant_id, e.day, e.evaluated_at
    FROM trackai.tier_evaluations e
    ORDER BY e.tenant_id, e.day DESC
),
missing AS (
    SELECT o.tenant_id, o.user_id, o.reward_id,
           CASE WHEN d.status IS NULL THEN 'has no row' ELSE 'is taken back' END || ' though the tier is held' AS fault
    FROM (
        SELECT e.tenant_id, o.user_id, o.reward_id, o.cycle_key, o.slots
        FROM evaluated e
        CROSS JOIN LATERAL trackai.tier_offers(e.tenant_id, e.day) o
        JOIN trackai.rewards r ON r.tenant_id = e.tenant_id AND r.reward_id = o.reward_id
        JOIN trackai.loyalty_members m ON m.tenant_id = e.tenant_id AND m.user_id = o.user_id
        WHERE o.creation = 'eager' AND r.updated_at <= e.evaluated_at AND m.evaluated_day = e.day
    ) o
    CROSS JOIN LATERAL generate_series(1, o.slots) n (slot)
    LEFT JOIN LATERAL (
        SELECT d.status, d.deleted_at
        FROM trackai.redemptions d
        WHERE d.tenant_id = o.tenant_id AND d.user_id = o.user_id AND d.reward_id = o.reward_id
          AND d.cycle_key = o.cycle_key AND d.slot = n.slot
        OFFSET 0
    ) d ON true
    WHERE d.status IS NULL OR d.deleted_at IS NOT NULL OR d.status = 'expired'
),
stray AS (
    SELECT d.tenant_id, d.user_id, d.reward_id, 'is on offer though it is for another tier, or over' AS fault
    FROM evaluated e
    JOIN trackai.redemptions d ON d.tenant_id = e.tenant_id AND d.status = 'claimable' AND d.deleted_at IS NULL
    JOIN trackai.rewards r ON r.tenant_id = d.tenant_id AND r.reward_id = d.reward_id
    WHERE r.updated_at <= e.evaluated_at
      AND NOT EXISTS (
          SELECT FROM trackai.tier_offers(e.tenant_id, e.day) o
          WHERE o.user_id = d.user_id AND o.reward_id = d.reward_id AND o.cycle_key = d.cycle_key AND o.slots >= d.slot
          OFFSET 0
      )
),
twice AS (
    SELECT d.tenant_id, d.user_id, d.reward_id,
           'is claimed ' || count(*) || ' times in ' || d.cycle_key AS fault
    FROM trackai.redemptions d
    JOIN trackai.rewards r ON r.tenant_id = d.tenant_id AND r.reward_id = d.reward_id
    WHERE d.status IN ('claimed', 'fulfilled', 'concluded')
    GROUP BY d.tenant_id, d.user_id, d.reward_id, d.cycle_key, r.redemption_quantity
    HAVING count(*) > CASE WHEN left(d.cycle_key, 2) = 'x:' THEN 1 ELSE coalesce(r.redemption_quantity, 1) END
)
SELECT t.slug AS tenant, f.user_id, f.reward_id, f.fault
FROM (
    SELECT * FROM missing
    UNION ALL
    SELECT * FROM stray
    UNION ALL
    SELECT * FROM twice
) f
JOIN trackai.tenants t ON t.id = f.tenant_id
ORDER BY t.slug, f.reward_id, f.user_id
LIMIT %(most)s
