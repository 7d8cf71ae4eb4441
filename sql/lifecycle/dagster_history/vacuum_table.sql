-- Makes the space of a table's deleted rows usable again and refreshes its statistics. Cannot run in a transaction.
-- Without FULL, and without giving the table's end back to the disk: both lock writers out.
VACUUM (ANALYZE, SKIP_LOCKED, TRUNCATE FALSE) {table}
