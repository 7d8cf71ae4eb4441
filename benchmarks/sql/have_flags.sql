-- Makes one tenant and six flags next to the ten that every database has; recorded by triggers, as plain SQL is.
INSERT INTO trackai.tenants (id, slug, name)
VALUES ('t-shop-flags', 'shop-flags', 'Shop with flags')
ON CONFLICT DO NOTHING;

INSERT INTO trackai.feature_flags (key, name, category, enabled, rollout_percentage, value_type, off_value, on_value)
VALUES
('benchmark_split', 'on for half', 'Rollout', true, 50, 'boolean', 'false', 'true'),
('benchmark_segment', 'three variants behind a segment', 'Rollout', true, 100, 'string', 'blue', 'blue'),
('benchmark_number', 'a number', 'Rollout', true, 100, 'number', '0.5', '2'),
('benchmark_limit', 'an integer', 'Rollout', true, 100, 'integer', '5', '10'),
('benchmark_object', 'an object', 'Rollout', true, 100, 'json', '{}', '{"columns": 3}'),
('benchmark_quarter', 'on for a quarter', 'Rollout', true, 25, 'boolean', 'false', 'true')
ON CONFLICT DO NOTHING;

INSERT INTO trackai.feature_flag_segments (name, kind, condition)
VALUES ('benchmark_buyers', 'attribute', '{"plan": "premium", "orders": {"$gte": 10}}')
ON CONFLICT DO NOTHING;

INSERT INTO trackai.feature_flag_rollouts (flag_id, user_segment, variant_key, variant_value, percentage, position)
SELECT
    f.id,
    r.user_segment,
    r.variant_key,
    r.variant_value,
    r.percentage,
    r.place
FROM trackai.feature_flags AS f
CROSS JOIN (
    VALUES
    ('benchmark_buyers', 'control', NULL, 34, 1),
    ('benchmark_buyers', 'green', 'green', 33, 2),
    ('benchmark_buyers', 'red', 'red', 33, 3)
) AS r (user_segment, variant_key, variant_value, percentage, place)
WHERE f.key = 'benchmark_segment'
ON CONFLICT DO NOTHING
