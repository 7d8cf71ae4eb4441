-- Makes the table of what becomes of creators whose days are played again.
CREATE TEMPORARY TABLE {events} (LIKE trackai.tier_checkpoints INCLUDING DEFAULTS) ON COMMIT DROP
