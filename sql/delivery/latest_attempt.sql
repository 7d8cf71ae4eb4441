-- Returns the number of the latest attempt, which separates earlier attempts from later ones; 0 before the first.
-- Index: none, it reads the row of the sequence.
SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('trackai.dispatch_attempts', 'id')::regclass), 0)
