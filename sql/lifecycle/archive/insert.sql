-- Puts the rows of pg_temp.restoring back into their table, under the ids that they had.
-- Index: the table's unique keys. Guarantees: a row that is there already stays as it is.
INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE
SELECT {columns} FROM pg_temp.restoring
ON CONFLICT DO NOTHING
