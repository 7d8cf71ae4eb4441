-- What the load of a file left out of the rows it took. Adding a column with a constant default rewrites nothing.
ALTER TABLE trackai.ingest_files ADD COLUMN left_out jsonb NOT NULL DEFAULT '{}';

COMMENT ON COLUMN trackai.ingest_files.left_out IS 'how many optional values could not be used and were left out of rows that were taken: {column: {reason: count}}';
