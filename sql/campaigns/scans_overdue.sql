-- Tenants with conversions whose facts were last looked through for due days before %(before)s, or never.
-- Indexes: campaign_scans' primary key, and conversions' (tenant_id, gateway, gateway_event_id) for whether there are any.
SELECT t.slug, s.scanned_to
FROM trackai.tenants t
LEFT JOIN trackai.campaign_scans s ON s.tenant_id = t.id
WHERE (s.scanned_to IS NULL OR s.scanned_to < %(before)s)
  AND EXISTS (SELECT FROM trackai.conversions c WHERE c.tenant_id = t.id AND c.created_at < %(before)s)
ORDER BY t.slug
