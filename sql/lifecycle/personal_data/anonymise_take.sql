-- Takes the next rows of {table} to anonymise, oldest first from %(after)s on. The caller changes them in the same
-- transaction; if it dies, they are as they were.
-- Index: clicks_to_anonymise or conversions_to_anonymise, from where the batch before ended.
-- Guarantees: no row is given to two workers, and none is waited for. Who points at the rows by a foreign key is not
-- held up: their keys stay.
SELECT tenant_id, id, {time}, {user_agent}
FROM {table}
WHERE anonymised_at IS NULL
  AND {time} >= %(after)s
  AND {time} < %(before)s::date::timestamp AT TIME ZONE 'UTC'
ORDER BY {time}
LIMIT %(rows)s
FOR NO KEY UPDATE SKIP LOCKED
