-- Takes a chunk of conversions from the client; the empty string is NULL. No index: a temporary table without one.
-- All rows or none.
COPY pg_temp.staged_conversions FROM STDIN WITH (FORMAT text, NULL '')
