-- Adds a flag; its state is written afterwards. Returns its id.
INSERT INTO trackai.feature_flags
    (key, name, category, value_type, off_value, on_value, created_at, updated_at, created_by)
VALUES
    (%(key)s, %(name)s, %(category)s, %(value_type)s, %(off_value)s, %(on_value)s, %(now)s, %(now)s, %(by)s)
RETURNING id
