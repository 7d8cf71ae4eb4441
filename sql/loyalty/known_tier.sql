-- Whether a tenant has a tier of this id, from whatever day on. Index: the key of tiers.
SELECT t.tier_id FROM trackai.tiers t WHERE t.tenant_id = %(tenant_id)s AND t.tier_id = %(tier_id)s LIMIT 1
