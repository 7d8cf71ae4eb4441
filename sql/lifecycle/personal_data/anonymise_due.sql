-- Counts the rows of {table} from the UTC day %(after)s (NULL: from ever) to before %(before)s whose personal fields are
-- still there; of the tenants %(tenant_ids)s, NULL meaning all.
-- Index: for clicks and conversions <table>_to_anonymise, which holds such rows only.
SELECT count(*)
FROM {table}
WHERE anonymised_at IS NULL
  AND {time} < %(before)s::date::timestamp AT TIME ZONE 'UTC'
  AND {time} >= coalesce(%(after)s::date::timestamp AT TIME ZONE 'UTC', '-infinity')
  AND (%(tenant_ids)s::text[] IS NULL OR tenant_id = ANY (%(tenant_ids)s))
