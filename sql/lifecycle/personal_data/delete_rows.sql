-- Deletes a person's rows of {rows}, a table whose declaration says that its rows go. Indexes as in erase_rows.
DELETE FROM {rows} t WHERE {which}
