-- Makes the table of creators whose days are played again, with nothing in it of what became of them.
CREATE TEMPORARY TABLE {creators} (LIKE trackai.loyalty_members INCLUDING DEFAULTS) ON COMMIT DROP
