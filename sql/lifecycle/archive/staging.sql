-- Makes the session's table that takes the rows of a file before they are inserted. Without constraints and defaults: it
-- has the file's columns only.
CREATE TEMPORARY TABLE restoring ON COMMIT DELETE ROWS AS SELECT {columns} FROM {table} WITH NO DATA
