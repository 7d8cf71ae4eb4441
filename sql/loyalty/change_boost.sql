-- Changes a boost by hand, from status %(before)s to %(after)s, notes the transition, and changes its redemption with
-- it; no row where the boost has another status. What is NULL stays as it is.
-- Index: the keys of the boost and its redemption.
WITH boost AS (
    UPDATE trackai.commission_boost_redemptions b
    SET boost_status = %(after)s,
        payment_method = coalesce(%(payment_method)s, b.payment_method),
        payment_account_ref = coalesce(%(payment_account_ref)s, b.payment_account_ref),
        payment_info_collected_at = CASE
            WHEN %(payment_account_ref)s::text IS NULL THEN b.payment_info_collected_at ELSE %(now)s::timestamptz END,
        payment_info_confirmed = b.payment_info_confirmed OR %(payment_account_ref)s::text IS NOT NULL,
        admin_adjusted_commission = coalesce(%(amount)s, b.admin_adjusted_commission),
        final_payout_amount = CASE
            WHEN %(after)s = 'paid' THEN coalesce(%(amount)s, b.admin_adjusted_commission, b.calculated_commission) END,
        payout_sent_at = CASE WHEN %(after)s = 'paid' THEN %(now)s::timestamptz END,
        payout_sent_by = CASE WHEN %(after)s = 'paid' THEN %(by)s::text END,
        payout_notes = coalesce(%(notes)s, b.payout_notes),
        ended_at = CASE WHEN %(after)s IN ('paid', 'cancelled') THEN %(now)s::timestamptz END,
        updated_at = %(now)s
    WHERE b.tenant_id = %(tenant_id)s AND b.id = %(id)s AND b.boost_status = %(before)s
    RETURNING b.tenant_id, b.id, b.user_id, b.redemption_id, b.boost_status, b.final_payout_amount, b.currency
),
parent AS (
    UPDATE trackai.redemptions d
    SET status = s.status,
        fulfilled_at = CASE WHEN s.status = 'fulfilled' THEN %(now)s::timestamptz ELSE d.fulfilled_at END,
        fulfilled_by = CASE WHEN s.status = 'fulfilled' THEN %(by)s::text ELSE d.fulfilled_by END,
        concluded_at = CASE WHEN s.status = 'concluded' THEN %(now)s::timestamptz END,
        rejected_at = CASE WHEN s.status = 'rejected' THEN %(now)s::timestamptz END,
        ended_at = CASE WHEN s.status <> 'fulfilled' THEN %(now)s::timestamptz END,
        rejection_reason = CASE WHEN s.status = 'rejected' THEN coalesce(%(notes)s, 'cancelled') END,
        slot = CASE WHEN s.status <> 'rejected' THEN d.slot END,
        updated_at = %(now)s
    FROM boost b
    CROSS JOIN LATERAL (
        SELECT CASE b.boost_status WHEN 'pending_payout' THEN 'fulfilled' WHEN 'paid' THEN 'concluded' ELSE 'rejected' END
            AS status
    ) s
    WHERE d.tenant_id = %(tenant_id)s AND d.id = b.redemption_id
    RETURNING d.reward_id
),
noted AS (
    INSERT INTO trackai.commission_boost_state_history
        (tenant_id, boost_redemption_id, user_id, transitioned_at, from_status, to_status, effective_on, transitioned_by,
         transition_type, notes, metadata, created_at)
    SELECT b.tenant_id, b.id, b.user_id, %(now)s, %(before)s, b.boost_status, %(day)s, %(by)s, 'manual', %(notes)s,
           jsonb_strip_nulls(jsonb_build_object('final_payout_amount', b.final_payout_amount)), %(now)s
    FROM boost b
)
SELECT b.boost_status, b.user_id, b.final_payout_amount, b.currency, p.reward_id FROM boost b CROSS JOIN parent p
