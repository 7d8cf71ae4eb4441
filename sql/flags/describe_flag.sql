-- Changes what a flag is described with, as far as it is given. Index: feature_flags' key.
-- Guarantees: nothing that evaluation reads changes.
UPDATE trackai.feature_flags f
SET name = coalesce(given.name, f.name),
    description = CASE WHEN %(described)s::jsonb ? 'description' THEN given.description ELSE f.description END,
    category = coalesce(given.category, f.category),
    owner_email = CASE WHEN %(described)s::jsonb ? 'owner_email' THEN given.owner_email ELSE f.owner_email END,
    permanent = coalesce(given.permanent, f.permanent),
    track_exposures = coalesce(given.track_exposures, f.track_exposures),
    expires_on = CASE WHEN %(described)s::jsonb ? 'expires_on' THEN given.expires_on ELSE f.expires_on END,
    -- The clock may be behind that of the database, which made the row of a gate.
    updated_at = greatest(%(now)s, f.created_at),
    updated_by = %(by)s
FROM jsonb_to_record(%(described)s::jsonb) AS given (
    name text, description text, category text, owner_email text, permanent boolean, track_exposures boolean,
    expires_on date
)
WHERE f.id = %(flag_id)s
