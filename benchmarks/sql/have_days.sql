-- Makes a hundred tenants, and ten flags that are on for half. The flags share a salt, so a user's bucket is computed once.
INSERT INTO trackai.tenants (id, slug, name)
SELECT 't-flags-' || n, 'flags-' || n, 'Shop ' || n || ' with flags'
FROM generate_series(0, 99) AS n
ON CONFLICT DO NOTHING;

INSERT INTO trackai.feature_flags (key, name, category, enabled, rollout_percentage, salt, client_visible)
SELECT 'benchmark_day_' || n, 'on for half', 'Rollout', true, 50, 'benchmark_day', false
FROM generate_series(1, 10) AS n
ON CONFLICT DO NOTHING
