-- Takes back a tenant's offers in redemptions that do not stand on %(day)s: they expire where their cycle, their reward or
-- their time is over; where the tier is lost, the reward disabled or the creator gone, they are marked as deleted and can
-- come back. Returns how many.
-- Indexes: redemptions_work_list; the keys of loyalty_members and rewards, once a row. What was claimed is not touched.
WITH lost AS MATERIALIZED (
    SELECT d.id,
           CASE
               WHEN m.left_on <= %(day)s THEN 'left'
               WHEN NOT r.enabled THEN 'reward_disabled'
               WHEN m.current_tier IS DISTINCT FROM r.tier_eligibility THEN 'demoted'
           END AS reason
    FROM trackai.redemptions d
    CROSS JOIN LATERAL (
        SELECT m.left_on, m.current_tier FROM trackai.loyalty_members m
        WHERE m.tenant_id = %(tenant_id)s AND m.user_id = d.user_id
        OFFSET 0
    ) m
    CROSS JOIN LATERAL (
        SELECT r.enabled, r.tier_eligibility FROM trackai.rewards r
        WHERE r.tenant_id = %(tenant_id)s AND r.reward_id = d.reward_id
        OFFSET 0
    ) r
    WHERE d.tenant_id = %(tenant_id)s AND d.status = 'claimable' AND d.deleted_at IS NULL
      AND NOT EXISTS (
          SELECT FROM trackai.tier_offers(%(tenant_id)s, %(day)s) o
          WHERE o.user_id = d.user_id AND o.reward_id = d.reward_id AND o.cycle_key = d.cycle_key AND o.slots >= d.slot
          OFFSET 0
      )
),
taken_back AS (
    UPDATE trackai.redemptions d
    SET status = CASE WHEN l.reason IS NULL THEN 'expired' ELSE 'claimable' END,
        expired_at = CASE WHEN l.reason IS NULL THEN %(now)s::timestamptz END,
        ended_at = CASE WHEN l.reason IS NULL THEN %(now)s::timestamptz END,
        deleted_at = CASE WHEN l.reason IS NOT NULL THEN %(now)s::timestamptz END,
        deleted_reason = l.reason,
        updated_at = %(now)s
    FROM lost l
    WHERE d.tenant_id = %(tenant_id)s AND d.id = l.id AND d.status = 'claimable' AND d.deleted_at IS NULL
    RETURNING d.id
)
SELECT count(*) FROM taken_back
