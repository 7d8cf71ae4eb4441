-- A tier as it is on a day. Index: tiers' primary key.
SELECT tier_order, tier_name, tier_color, sales_threshold, units_threshold, commission_rate, checkpoint_exempt
FROM trackai.tiers
WHERE tenant_id = %(tenant_id)s AND tier_id = %(tier_id)s AND valid_from <= %(valid_from)s
ORDER BY valid_from DESC
LIMIT 1
