-- Returns all flags that are not archived, in order of their keys, as `find_flag` returns one. Reads feature_flags whole.
SELECT f.id, f.key, f.name, f.description, f.category, f.owner_email, f.permanent, f.track_exposures, f.expires_on,
       f.archived_at, f.created_at, f.created_by, f.updated_at, f.updated_by, trackai.flag_state(f.id) AS state
FROM trackai.feature_flags f
WHERE f.archived_at IS NULL
ORDER BY f.key
