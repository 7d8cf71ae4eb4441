-- Every tenant, and up to when its facts were looked through; NULL: never.
-- Index: campaign_scans' primary key.
SELECT t.id, s.scanned_to
FROM trackai.tenants t
LEFT JOIN trackai.campaign_scans s ON s.tenant_id = t.id
ORDER BY t.id COLLATE "C"
