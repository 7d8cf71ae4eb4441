-- Users: what arrived since a moment, and what of the past is not known any more.

ALTER TABLE trackai.users ADD COLUMN replaced_at timestamptz;
COMMENT ON COLUMN trackai.users.replaced_at IS 'when hashes that the user had were last replaced; NULL: never';
COMMENT ON COLUMN trackai.users.changed_at IS 'when the row arrived here, or its hashes last changed';
