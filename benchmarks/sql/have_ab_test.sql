-- Adds a tenant with a running A/B test, if they are not there, and takes everybody out of it.
INSERT INTO trackai.tenants (id, slug, name) VALUES ('t-split', 'shop-split', 'Shop with a test') ON CONFLICT DO NOTHING;
INSERT INTO trackai.ab_tests
    (tenant_id, test_key, name, control_variant, variant_a, start_date, started_at, status)
VALUES ('t-split', 'checkout', 'Checkout', 'control', 'one-page', '2026-01-01', '2026-01-01', 'running')
ON CONFLICT DO NOTHING;
TRUNCATE trackai.ab_test_assignments, trackai.ab_test_reassignments;
