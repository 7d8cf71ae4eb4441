-- Deletes the rows of a UTC day that have one of these keys.
-- Index: the table's primary key. Guarantees: a row of another day stays, though it had the same key.
DELETE FROM {table} t
USING unnest({keys}) AS k ({names})
WHERE {same} AND t.{time} >= %(from_time)s AND t.{time} < %(to_time)s
