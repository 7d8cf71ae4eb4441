-- Locks the next rows of {table} to anonymise, oldest first from %(after)s on, and returns {columns}; of the tenants
-- %(tenant_ids)s, NULL meaning all. The caller changes them in the same transaction.
-- Index: for clicks and conversions <table>_to_anonymise, from where the batch before ended.
-- Guarantees: no row goes to two workers, and none is waited for. Rows that refer to these by a foreign key are not held
-- up, because the keys stay.
SELECT {columns}
FROM {table}
WHERE anonymised_at IS NULL
  AND {time} >= %(after)s
  AND {time} < %(before)s::date::timestamp AT TIME ZONE 'UTC'
  AND (%(tenant_ids)s::text[] IS NULL OR tenant_id = ANY (%(tenant_ids)s))
ORDER BY {time}
LIMIT %(rows)s
FOR NO KEY UPDATE SKIP LOCKED
