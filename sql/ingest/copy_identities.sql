-- Takes a chunk of identities from the client; the empty string is NULL. No index: a temporary table without one.
-- All rows or none.
COPY pg_temp.staged_identities FROM STDIN WITH (FORMAT text, NULL '')
