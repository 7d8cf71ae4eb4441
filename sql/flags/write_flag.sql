-- Writes a flag's own columns from its state. Index: feature_flags' key.
-- Guarantees: `flag_state` returns that state once rollouts and prerequisites are written, too.
UPDATE trackai.feature_flags f
SET enabled = (given.state ->> 'enabled')::boolean,
    rollout_percentage = (given.state ->> 'rollout_percentage')::integer,
    off_value = given.state ->> 'off_value',
    on_value = given.state ->> 'on_value',
    bucket_by = given.state ->> 'bucket_by',
    salt = nullif(given.state ->> 'salt', f.key),
    killed = (given.state ->> 'killed')::boolean,
    client_visible = (given.state ->> 'client_visible')::boolean,
    archived_at = CASE WHEN (given.state ->> 'archived')::boolean THEN coalesce(f.archived_at, %(now)s) END,
    -- The clock may be behind that of the database, which made the row of a gate.
    updated_at = greatest(%(now)s, f.created_at),
    updated_by = %(by)s
FROM (SELECT %(state)s::jsonb AS state) AS given
WHERE f.id = %(flag_id)s
