-- Takes a chunk of clicks from the client; the empty string is NULL. No index: a temporary table without one.
-- All rows or none.
COPY pg_temp.staged_clicks FROM STDIN WITH (FORMAT text, NULL '')
