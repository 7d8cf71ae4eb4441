-- Adds the rules of the tenant with many creators, and takes away whatever else there is of loyalty.
TRUNCATE trackai.users, trackai.sales_reports, trackai.sales_sync_days, trackai.loyalty_programs, trackai.tiers RESTART IDENTITY CASCADE;
TRUNCATE trackai.creator_sales_daily, trackai.tier_evaluations;
INSERT INTO trackai.tenants (id, slug, name) VALUES ('cm2loyal00000000000000000', 'shop-loyal', 'Shop with creators')
ON CONFLICT DO NOTHING;
INSERT INTO trackai.loyalty_programs (tenant_id, valid_from, currency, status)
VALUES ('cm2loyal00000000000000000', '2025-01-01', 'BRL', 'active');
INSERT INTO trackai.tiers (tenant_id, tier_id, valid_from, tier_order, tier_name, sales_threshold)
SELECT 'cm2loyal00000000000000000', 'tier_' || n, '2025-01-01', n, 'Tier ' || n, (n - 1) * 1100 FROM generate_series(1, 4) n;
