-- Adds a segment, or changes its definition. Index: the key of feature_flag_segments.
-- Guarantees: its kind stays.
INSERT INTO trackai.feature_flag_segments
    (name, kind, condition, definition, created_at, updated_at, created_by, updated_by)
VALUES (%(name)s, %(kind)s, %(condition)s, %(definition)s, %(now)s, %(now)s, %(by)s, %(by)s)
ON CONFLICT (name) DO UPDATE
SET condition = excluded.condition,
    definition = excluded.definition,
    updated_at = excluded.updated_at,
    updated_by = excluded.updated_by
