-- Sets a tier from a day on. Index: tiers' primary key; said again, the later word counts.
INSERT INTO trackai.tiers
    (tenant_id, tier_id, valid_from, tier_order, tier_name, tier_color, sales_threshold, units_threshold, commission_rate,
     checkpoint_exempt, created_at, updated_at)
VALUES (%(tenant_id)s, %(tier_id)s, %(valid_from)s, %(tier_order)s, %(tier_name)s, %(tier_color)s, %(sales_threshold)s,
        %(units_threshold)s, %(commission_rate)s, %(checkpoint_exempt)s, %(now)s, %(now)s)
ON CONFLICT (tenant_id, tier_id, valid_from) DO UPDATE
SET tier_order = excluded.tier_order, tier_name = excluded.tier_name, tier_color = excluded.tier_color,
    sales_threshold = excluded.sales_threshold, units_threshold = excluded.units_threshold,
    commission_rate = excluded.commission_rate, checkpoint_exempt = excluded.checkpoint_exempt, updated_at = excluded.updated_at
