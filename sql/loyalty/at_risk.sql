-- Creators whose window ends within two weeks of the last evaluated day and who would lose their tier, those with most
-- missing first. Index: none; the creators of the tenants are read once, and the few are looked up.
SELECT t.slug AS tenant, s.user_id, s.tier_name, s.checkpoint_on, s.required, s.missing_to_keep, s.projected_tier_at_checkpoint
FROM trackai.tenants t
JOIN trackai.loyalty_members m ON m.tenant_id = t.id
JOIN trackai.creator_standing s ON s.tenant_id = m.tenant_id AND s.user_id = m.user_id
WHERE (%(tenant)s::text IS NULL OR t.slug = %(tenant)s) AND m.left_on IS NULL
  -- The same by the creator alone, before anything is summed.
  AND m.window_end <= (SELECT max(v.day) FROM trackai.tier_evaluations v WHERE v.tenant_id = m.tenant_id) + 14
  AND s.days_left <= 14
  AND s.projected_tier_at_checkpoint <> s.current_tier
ORDER BY s.missing_to_keep DESC, t.slug, s.user_id
