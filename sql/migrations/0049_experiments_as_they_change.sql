-- Tests are computed from what arrived since they were computed last.

-- What arrived since a moment, without reading the whole table.
CREATE INDEX users_by_change ON trackai.users
    USING brin (changed_at timestamptz_minmax_multi_ops) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX user_conversions_by_arrival ON trackai.user_conversions
    USING brin (linked_at timestamptz_minmax_multi_ops) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX ab_test_assignments_by_arrival ON trackai.ab_test_assignments
    USING brin (created_at timestamptz_minmax_multi_ops) WITH (pages_per_range = 32, autosummarize = on);
