-- Counts the rows of {table} from before a UTC day whose personal fields are still there.
-- Index: for clicks and conversions <table>_to_anonymise, which holds such rows only.
SELECT count(*)
FROM {table}
WHERE anonymised_at IS NULL AND {time} < %(before)s::date::timestamp AT TIME ZONE 'UTC'
