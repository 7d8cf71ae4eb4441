-- The rows of a UTC day, of a table or of its day that stands alone.
-- Index: <table>_by_day on the time, where all days are in one table. Guarantees: one query, so one snapshot.
SELECT {columns}
FROM {relation} t
WHERE t.{time} >= {from_time} AND t.{time} < {to_time}
