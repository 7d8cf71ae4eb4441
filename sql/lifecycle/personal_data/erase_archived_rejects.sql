-- The same of archives, with the file. For DuckDB.
SELECT r.filename, r.payload, r.reason
FROM read_parquet($paths, filename = true) r
WHERE coalesce(r.tenant_id, $tenant_id) = $tenant_id
