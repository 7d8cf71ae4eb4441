-- The clicks that conversions were matched to, according to archived days of the match log. For DuckDB, which reads only
-- the columns that are named here.
SELECT l.click_id
FROM read_parquet($paths) l
WHERE l.tenant_id = $tenant_id AND l.outcome = 'hit' AND l.conversion_id IN (SELECT unnest($conversion_ids::bigint[]))
