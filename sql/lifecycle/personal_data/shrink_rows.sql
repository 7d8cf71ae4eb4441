-- Deletes a person's rows of {rows}, a table or a day of it that is detached, but for those that stay; {changes} are what
-- these become, as the table's declaration says. Returns a row for each.
-- Indexes as in erase_rows. Guarantees: rows are deleted first, so those that stay may get their keys.
WITH gone AS (
    DELETE FROM {rows} t WHERE {which} AND NOT {stays} RETURNING 1 AS one
),
kept AS (
    UPDATE {rows} t SET {changes} WHERE {which} AND {stays} AND (SELECT count(*) FROM gone) >= 0 RETURNING 1 AS one
)
SELECT one FROM gone
UNION ALL
SELECT one FROM kept
