-- Sets a reward. Where it has a stock, what is taken of it is what is claimed; claims of it wait meanwhile.
-- Index: the key of rewards; redemptions of the reward are read once.
INSERT INTO trackai.rewards
    (tenant_id, reward_id, type, name, description, value_data, reward_source, tier_eligibility, preview_from_tier, enabled,
     redemption_frequency, redemption_quantity, redemption_type, creation, stock_total, stock_taken, expires_days,
     starts_on, ends_on, display_order, created_at, updated_at)
SELECT %(tenant_id)s, %(reward_id)s, %(type)s, %(name)s, %(description)s, %(value_data)s, %(reward_source)s,
       %(tier_eligibility)s, %(preview_from_tier)s, %(enabled)s, %(redemption_frequency)s, %(redemption_quantity)s,
       %(redemption_type)s, %(creation)s, %(stock_total)s, CASE WHEN %(stock_total)s::integer IS NULL THEN 0 ELSE d.claimed END,
       %(expires_days)s, %(starts_on)s, %(ends_on)s, %(display_order)s, %(now)s, %(now)s
FROM (
    SELECT count(*)::integer AS claimed
    FROM trackai.redemptions d
    WHERE d.tenant_id = %(tenant_id)s AND d.reward_id = %(reward_id)s
      AND d.status IN ('claimed', 'fulfilled', 'concluded')
) d
ON CONFLICT (tenant_id, reward_id) DO UPDATE
SET type = excluded.type, name = excluded.name, description = excluded.description, value_data = excluded.value_data,
    reward_source = excluded.reward_source, tier_eligibility = excluded.tier_eligibility,
    preview_from_tier = excluded.preview_from_tier, enabled = excluded.enabled,
    redemption_frequency = excluded.redemption_frequency, redemption_quantity = excluded.redemption_quantity,
    redemption_type = excluded.redemption_type, creation = excluded.creation, stock_total = excluded.stock_total,
    stock_taken = excluded.stock_taken, expires_days = excluded.expires_days, starts_on = excluded.starts_on,
    ends_on = excluded.ends_on, display_order = excluded.display_order, updated_at = excluded.updated_at
RETURNING reward_id
