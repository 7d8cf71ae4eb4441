-- Adds the tiers that the sample's manager set by hand.
INSERT INTO trackai.tier_overrides (tenant_id, user_id, effective_on, tier_id, reason, created_by)
SELECT %(tenant_id)s, o.user_id, o.day, 'gold', 'Won the summer contest', 'marina'
FROM unnest(%(users)s::text[], %(days)s::date[]) AS o (user_id, day)
