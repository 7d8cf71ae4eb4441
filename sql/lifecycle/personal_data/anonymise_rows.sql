-- Takes personal fields away from rows of {table}, or makes them less precise, as its declaration says.
-- Index: the table's primary key. The caller has locked the rows in the same transaction.
UPDATE {table} t SET {changes} FROM unnest({arrays}) AS taken ({names}) WHERE {same}
