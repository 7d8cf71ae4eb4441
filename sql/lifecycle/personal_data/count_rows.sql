-- Counts a person's rows of {rows}, a table or a day of it that is detached. Indexes as in erase_rows.
SELECT count(*) FROM {rows} t WHERE {which}
