-- What the boosts pay that creators of a course claimed between two days, in the currency of the program on the last one, of
-- those creators who hold the tier of the reward in the course when they claim. Claims that other tiers would have brought
-- are not known. A claim sees the days that are due by then. Indexes: redemptions_once_a_slot and the primary keys.
SELECT coalesce(sum(coalesce(b.admin_adjusted_commission, b.calculated_commission)), 0)
FROM {creators} c
JOIN trackai.redemptions d ON d.tenant_id = c.tenant_id AND d.user_id = c.user_id
JOIN trackai.commission_boost_redemptions b ON b.tenant_id = d.tenant_id AND b.redemption_id = d.id
JOIN trackai.rewards r ON r.tenant_id = d.tenant_id AND r.reward_id = d.reward_id
CROSS JOIN LATERAL (
    SELECT p.currency, (d.claimed_at AT TIME ZONE p.time_zone)::date AS day, p.settle_days
    FROM trackai.loyalty_programs p
    WHERE p.tenant_id = %(tenant_id)s AND p.valid_from <= %(to_day)s
    ORDER BY p.valid_from DESC
    LIMIT 1
) AS claimed
LEFT JOIN LATERAL (
    SELECT v.tier_after FROM {events} v
    WHERE v.user_id = c.user_id AND v.checkpoint_date <= claimed.day - claimed.settle_days
    ORDER BY v.checkpoint_date DESC
    LIMIT 1
) AS held ON true
WHERE c.tenant_id = %(tenant_id)s AND b.boost_status <> 'cancelled' AND b.currency = claimed.currency
  AND claimed.day >= %(from_day)s AND claimed.day < %(to_day)s
  AND (r.tier_eligibility IS NULL OR r.tier_eligibility = held.tier_after)
