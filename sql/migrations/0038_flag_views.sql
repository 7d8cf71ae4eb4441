-- Feature flags: what is there at first, and views.

INSERT INTO trackai.feature_flags (key, name, description, category, enabled, created_by) VALUES
    ('tier_progress_bar', 'Tier progress bar', 'Display tier progression', 'UI', true, 'seed'),
    ('amount_chip_selector', 'Amount chip selector', 'Quick-select amounts', 'UI', true, 'seed'),
    ('platform_goal_meter', 'Platform goal meter', 'Community goals', 'UI', true, 'seed'),
    ('ai_concierge_chat', 'AI concierge chat', 'AI support', 'UI', true, 'seed'),
    ('dark_mode', 'Dark mode', 'Dark theme', 'UI', true, 'seed'),
    ('social_sharing', 'Social sharing', 'Social integration', 'Advanced', true, 'seed'),
    ('receipt_generation', 'Receipt generation', 'Receipt export', 'Advanced', true, 'seed'),
    ('community_feed', 'Community feed', 'Community sharing', 'Experimental', false, 'seed'),
    ('notification_center', 'Notification center', 'Notification hub', 'Experimental', false, 'seed'),
    ('advanced_analytics', 'Advanced analytics', 'Analytics dashboard', 'Experimental', false, 'seed');

-- Tenants of before: their settings have held since ever.
SELECT trackai.follow_tenant_settings(t.id, true)
FROM trackai.tenants t
WHERE t.email_matching OR t.lookback_days <> 90 OR t.dispatch_policy <> 'all';
SELECT trackai.settle_matching(NULL);

CREATE VIEW trackai.v_active_feature_flags AS
SELECT f.id, f.key, f.name, f.description, f.category, f.enabled, f.rollout_percentage, f.owner_email, f.created_at,
       f.updated_at
FROM trackai.feature_flags f
WHERE f.enabled AND NOT f.killed AND f.archived_at IS NULL;
COMMENT ON VIEW trackai.v_active_feature_flags IS 'Flags that are enabled, not killed and not archived.';

CREATE VIEW trackai.gate_exposures AS
SELECT c.tenant_id, c.id AS conversion_id, 'email_matching' AS gate, m.email_matching::text AS value,
       m.email_version AS flag_version
FROM trackai.conversions c
JOIN trackai.matching_settings m
    ON m.tenant_id = c.tenant_id AND m.effective_from <= c.occurred_at AND c.occurred_at < m.effective_to
UNION ALL
SELECT c.tenant_id, c.id, 'lookback_days', m.lookback_days::text, m.lookback_version
FROM trackai.conversions c
JOIN trackai.matching_settings m
    ON m.tenant_id = c.tenant_id AND m.effective_from <= c.occurred_at AND c.occurred_at < m.effective_to;
COMMENT ON VIEW trackai.gate_exposures IS 'The value of each gate that matching reads, for every conversion: one row a gate.';
