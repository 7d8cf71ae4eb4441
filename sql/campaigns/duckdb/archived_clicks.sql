-- The clicks of a tenant in some archives, for DuckDB: the columns that journeys are made from.
-- Guarantees: times are text in UTC, because what Python makes of them depends on what is installed.
SELECT tenant_id, id, CAST(created_at AS VARCHAR), CAST(ingested_at AS VARCHAR), fbclid, fbc, fbp,
       utm_source, utm_medium, utm_campaign, utm_content, utm_term
FROM read_parquet($paths, union_by_name = true)
WHERE tenant_id = $tenant
