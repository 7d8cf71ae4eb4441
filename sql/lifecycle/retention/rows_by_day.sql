-- Rows of a table before the UTC day %(before)s, by the UTC day of their {time}.
-- Index: the table's index by day, where few of its days are due.
-- Guarantees: every row before that day is counted, but for times that no calendar of Python's knows (before the year 1).
SELECT ({time} AT TIME ZONE 'UTC')::date AS day, count(*) AS rows
FROM {table}
WHERE {time} >= '0001-01-01 00:00:00+00' AND {time} < %(before)s::date::timestamp AT TIME ZONE 'UTC'
GROUP BY 1
ORDER BY 1
