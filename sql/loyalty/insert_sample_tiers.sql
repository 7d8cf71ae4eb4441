-- Adds the tiers of the sample's program.
INSERT INTO trackai.tiers
    (tenant_id, tier_id, valid_from, tier_order, tier_name, tier_color, sales_threshold, commission_rate)
VALUES
    (%(tenant_id)s, 'bronze', %(first)s, 1, 'Bronze', '#cd7f32', 0, 5),
    (%(tenant_id)s, 'silver', %(first)s, 2, 'Silver', '#c0c0c0', 1000, 7),
    (%(tenant_id)s, 'gold', %(first)s, 3, 'Gold', '#ffd700', 5000, 10)
