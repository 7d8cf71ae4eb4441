-- Sets a creator's tier by hand from a day on; returns it, or nothing where one is set for the day already. Index: the
-- primary key.
INSERT INTO trackai.tier_overrides (tenant_id, user_id, effective_on, tier_id, reason, created_by, created_at)
VALUES (%(tenant_id)s, %(user_id)s, %(day)s, %(tier_id)s, %(reason)s, %(by)s, %(now)s)
ON CONFLICT (tenant_id, user_id, effective_on) DO NOTHING
RETURNING tier_id
