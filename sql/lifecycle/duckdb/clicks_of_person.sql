-- The archived clicks of a tenant that have one of these ids, producer's ids or keys, and still anything personal on them,
-- with their file. For DuckDB, with the macros of keys.sql; it reads only the columns that are named here.
SELECT k.filename, k.id, k.external_id, k.fbclid, k.fbc, k.fbp, k.ip,
       click_key(k.fbc, k.fbclid), browser_key(k.fbp)
FROM read_parquet($paths, filename = true) k
WHERE k.tenant_id = $tenant_id
  AND (k.id IN (SELECT unnest($ids::bigint[]))
       OR k.external_id IN (SELECT unnest($external_ids::text[]))
       OR click_key(k.fbc, k.fbclid) IN (SELECT unnest($click_keys::text[]))
       OR browser_key(k.fbp) IN (SELECT unnest($browser_keys::text[])))
  AND coalesce(k.fbclid, k.fbc, k.fbp, k.ip, k.user_agent) IS NOT NULL
