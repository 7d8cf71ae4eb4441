-- The number of the latest attempt there is, so that what comes later can be told apart; 0 before the first.
-- Index: none, the sequence's own row.
SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('trackai.dispatch_attempts', 'id')::regclass), 0)
