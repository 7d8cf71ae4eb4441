-- Returns the identities that name an e-mail and a click: of tenants that match by e-mail at some time, or of all with
-- {of_all}. For PostgreSQL.
-- Index: none. Read once.
SELECT i.tenant_id, i.email_hash, i.click_id
FROM trackai.identities i
WHERE i.email_hash IS NOT NULL AND i.click_id IS NOT NULL
  AND ({of_all} OR i.tenant_id IN (SELECT s.tenant_id FROM trackai.matching_settings s WHERE s.email_matching))
