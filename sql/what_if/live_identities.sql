-- Returns the identities that name an e-mail and a click. For PostgreSQL.
-- Index: none. Read once.
SELECT i.tenant_id, i.email_hash, i.click_id
FROM trackai.identities i
JOIN trackai.tenants t ON t.id = i.tenant_id
WHERE t.email_matching AND i.email_hash IS NOT NULL AND i.click_id IS NOT NULL
