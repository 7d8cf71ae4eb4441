-- The clicks that conversions were matched to, as archived days of the match log tell. For DuckDB, which reads the columns
-- that are named here and no others.
SELECT l.click_id
FROM read_parquet($paths) l
WHERE l.tenant_id = $tenant_id AND l.outcome = 'hit' AND l.conversion_id IN (SELECT unnest($conversion_ids::bigint[]))
