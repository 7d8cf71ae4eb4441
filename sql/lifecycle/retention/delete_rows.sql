-- Deletes up to %(size)s rows of the UTC day %(day)s, by their {time}, that no archive was asked for.
-- Indexes: the table's index by day, and its primary key.
-- Guarantees: rows of that day only; a row that somebody holds is waited for.
DELETE FROM {table}
WHERE ({key}) IN (
    SELECT {key}
    FROM {table}
    WHERE {time} >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
      AND {time} < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
    LIMIT %(size)s
)
