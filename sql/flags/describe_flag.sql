-- Changes what a flag is described with, as far as it is given. Index: feature_flags' key.
-- Guarantees: nothing that evaluation reads changes.
UPDATE trackai.feature_flags f
SET name = coalesce(given.name, f.name),
    description = coalesce(given.description, f.description),
    category = coalesce(given.category, f.category),
    owner_email = coalesce(given.owner_email, f.owner_email),
    permanent = coalesce(given.permanent, f.permanent),
    track_exposures = coalesce(given.track_exposures, f.track_exposures),
    expires_on = coalesce(given.expires_on, f.expires_on),
    updated_at = %(now)s,
    updated_by = %(by)s
FROM jsonb_to_record(%(described)s::jsonb) AS given (
    name text, description text, category text, owner_email text, permanent boolean, track_exposures boolean,
    expires_on date
)
WHERE f.id = %(flag_id)s
