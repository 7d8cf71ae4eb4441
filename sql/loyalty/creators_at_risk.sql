-- How many creators of all programs have a window that ends within two weeks and have sold less than their tier requires,
-- by the caches. Index: none; all creators are read.
SELECT count(*)
FROM trackai.loyalty_members m
CROSS JOIN LATERAL (
    SELECT v.day FROM trackai.tier_evaluations v WHERE v.tenant_id = m.tenant_id ORDER BY v.day DESC LIMIT 1
) AS e
CROSS JOIN LATERAL (
    SELECT p.vip_metric FROM trackai.loyalty_programs p
    WHERE p.tenant_id = m.tenant_id AND p.valid_from <= e.day
    ORDER BY p.valid_from DESC
    LIMIT 1
) AS p
CROSS JOIN LATERAL (
    SELECT t.checkpoint_exempt, CASE p.vip_metric WHEN 'units' THEN t.units_threshold ELSE t.sales_threshold END AS needed
    FROM trackai.tiers t
    WHERE t.tenant_id = m.tenant_id AND t.tier_id = m.current_tier AND t.valid_from <= e.day
    ORDER BY t.valid_from DESC
    LIMIT 1
) AS held
WHERE m.left_on IS NULL AND m.window_end <= e.day + 14 AND NOT held.checkpoint_exempt
  AND CASE p.vip_metric WHEN 'units' THEN m.checkpoint_units_current ELSE m.checkpoint_sales_current END < held.needed
