-- The tiers of a tenant's creators that were set by hand. Index: the primary key.
SELECT o.effective_on, o.user_id, o.tier_id
FROM trackai.tier_overrides o
WHERE o.tenant_id = %(tenant_id)s
