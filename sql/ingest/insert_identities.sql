-- Staged identities become identities; those that are here already are left as they are. The number of rows is
-- that of the new ones. A click known by its external_id alone is linked by matching/link_identities.
-- Index: identities' UNIQUE (tenant_id, external_id), which makes repeating it change nothing. Rows are staged in
-- its order and read in that of the table, so that two processes that load the same lock them in one order.
INSERT INTO trackai.identities (
    tenant_id, external_id, email_hash, phone_hash, click_id, click_external_id, created_at
)
SELECT tenant_id, external_id, email_hash, phone_hash, click_id, click_external_id, coalesce(created_at, now())
FROM pg_temp.staged_identities
ON CONFLICT DO NOTHING
