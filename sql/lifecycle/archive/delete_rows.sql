-- Deletes the rows of a UTC day that have one of these keys.
-- Index: the table's primary key. IS TRUE keeps the day out of the choice of an index: with few statistics the planner
-- would read the whole day for each batch. Guarantees: a row of another day stays, though it had the same key.
DELETE FROM {table} t
USING unnest({keys}) AS k ({names})
WHERE {same} AND (t.{time} >= %(from_time)s AND t.{time} < %(to_time)s) IS TRUE
