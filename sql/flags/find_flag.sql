-- Returns a flag by its key: its id, what it is described with, and its state as its rows have it.
-- Index: feature_flags' UNIQUE (key).
SELECT f.id, f.key, f.name, f.description, f.category, f.owner_email, f.permanent, f.track_exposures, f.expires_on,
       f.archived_at, f.created_at, f.created_by, f.updated_at, f.updated_by, trackai.flag_state(f.id) AS state
FROM trackai.feature_flags f
WHERE f.key = %(key)s
