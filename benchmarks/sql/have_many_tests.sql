-- Adds a tenant whose id is as long as a cuid, with ten running A/B tests, and takes away whatever else there is of facts
-- and tests.
TRUNCATE trackai.conversions, trackai.users, trackai.ab_tests RESTART IDENTITY CASCADE;
INSERT INTO trackai.tenants (id, slug, name) VALUES ('cm2tests00000000000000000', 'shop-tests', 'Shop with tests')
ON CONFLICT DO NOTHING;
INSERT INTO trackai.ab_tests
    (tenant_id, id, test_key, name, control_variant, variant_a, start_date, started_at, status, currency, sample_size,
     revenue_cap)
SELECT 'cm2tests00000000000000000', n + 1, 'test-' || n, 'Test ' || n, 'control', 'one-page', '2026-01-01', '2026-01-01',
       'running', 'BRL', 10000000, 900
FROM generate_series(0, 9) n;
