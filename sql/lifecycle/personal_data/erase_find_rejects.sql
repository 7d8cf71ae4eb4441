-- What was refused of a tenant, or of none: payload and reason as text. Index: none, the table holds a month of what was
-- refused and is read whole.
SELECT r.id, r.payload::text, r.reason
FROM trackai.ingest_rejects r
WHERE (r.tenant_id = %(tenant_id)s OR r.tenant_id IS NULL)
