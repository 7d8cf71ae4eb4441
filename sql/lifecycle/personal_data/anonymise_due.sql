-- Counts the rows of {table} from before a UTC day whose personal fields are still there.
-- Index: clicks_to_anonymise or conversions_to_anonymise, which holds such rows only.
SELECT count(*)
FROM {table}
WHERE anonymised_at IS NULL AND {time} < %(before)s::date::timestamp AT TIME ZONE 'UTC'
