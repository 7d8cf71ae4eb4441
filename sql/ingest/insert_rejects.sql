-- Keeps refused records with their reasons. Index: ingest_rejects' UNIQUE (source, line, digest), which keeps one
-- row for a record however often its file is loaded; ordered by it, so two loaders cannot deadlock.
INSERT INTO trackai.ingest_rejects (tenant_id, source, line, payload, reason, digest)
SELECT r.tenant_id, %(source)s, r.line, r.payload::jsonb, r.reason, r.digest
FROM unnest(
    %(tenant_ids)s::text[], %(lines)s::bigint[], %(payloads)s::text[], %(reasons)s::text[], %(digests)s::text[]
) AS r (tenant_id, line, payload, reason, digest)
ORDER BY r.line, r.digest
ON CONFLICT DO NOTHING
