-- Sets a mission; a raffle takes entries once it is opened. Index: the key of missions.
INSERT INTO trackai.missions
    (tenant_id, mission_id, title, display_name, description, mission_type, target_value, target_unit, reward_id,
     tier_eligibility, preview_from_tier, display_order, raffle_end_date, winners, enabled, activated, created_at,
     updated_at)
VALUES
    (%(tenant_id)s, %(mission_id)s, %(title)s, %(display_name)s, %(description)s, %(mission_type)s, %(target_value)s,
     %(target_unit)s, %(reward_id)s, %(tier_eligibility)s, %(preview_from_tier)s, %(display_order)s,
     %(raffle_end_date)s, %(winners)s, %(enabled)s, %(mission_type)s <> 'raffle', %(now)s, %(now)s)
ON CONFLICT (tenant_id, mission_id) DO UPDATE
SET title = excluded.title, display_name = excluded.display_name, description = excluded.description,
    target_value = excluded.target_value, reward_id = excluded.reward_id, tier_eligibility = excluded.tier_eligibility,
    preview_from_tier = excluded.preview_from_tier, display_order = excluded.display_order,
    raffle_end_date = excluded.raffle_end_date, winners = excluded.winners, enabled = excluded.enabled,
    updated_at = excluded.updated_at
