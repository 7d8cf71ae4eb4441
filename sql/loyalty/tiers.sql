-- The tiers of a tenant, by the day from which they are so. Index: the primary key.
SELECT t.tier_id, t.valid_from, t.tier_order, t.tier_name, t.sales_threshold, t.units_threshold, t.commission_rate,
       t.checkpoint_exempt
FROM trackai.tiers t
WHERE t.tenant_id = %(tenant_id)s
ORDER BY t.valid_from, t.tier_order
