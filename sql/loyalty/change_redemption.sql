-- Fulfils, concludes or rejects a redemption that is no boost's, and with it its gift; no row where it has another status.
-- Index: the key of redemptions, gifts_once_a_redemption.
WITH redemption AS (
    UPDATE trackai.redemptions d
    SET status = %(after)s,
        fulfilled_at = CASE WHEN %(after)s = 'fulfilled' THEN %(now)s::timestamptz ELSE d.fulfilled_at END,
        fulfilled_by = CASE WHEN %(after)s = 'fulfilled' THEN %(by)s::text ELSE d.fulfilled_by END,
        fulfillment_notes = CASE WHEN %(after)s = 'fulfilled' THEN %(notes)s::text ELSE d.fulfillment_notes END,
        concluded_at = CASE WHEN %(after)s = 'concluded' THEN %(now)s::timestamptz END,
        rejected_at = CASE WHEN %(after)s = 'rejected' THEN %(now)s::timestamptz END,
        ended_at = CASE WHEN %(after)s <> 'fulfilled' THEN %(now)s::timestamptz END,
        rejection_reason = CASE WHEN %(after)s = 'rejected' THEN %(notes)s::text END,
        slot = CASE WHEN %(after)s <> 'rejected' THEN d.slot END,
        external_transaction_id = coalesce(%(transaction)s, d.external_transaction_id),
        updated_at = %(now)s
    WHERE d.tenant_id = %(tenant_id)s AND d.id = %(id)s AND d.status = %(before)s
      AND NOT EXISTS (
          SELECT FROM trackai.commission_boost_redemptions b
          WHERE b.tenant_id = %(tenant_id)s AND b.redemption_id = d.id
      )
    RETURNING d.id, d.user_id, d.reward_id, d.status
),
gift AS (
    UPDATE trackai.physical_gift_redemptions g
    SET ended_at = CASE WHEN r.status <> 'fulfilled' THEN %(now)s::timestamptz END, updated_at = %(now)s
    FROM redemption r
    WHERE g.tenant_id = %(tenant_id)s AND g.redemption_id = r.id
)
SELECT r.user_id, r.reward_id, r.status FROM redemption r
