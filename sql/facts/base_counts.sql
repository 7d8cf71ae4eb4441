-- Users, conversions linked with one, campaigns, and refunds linked with a sale, by tenant. Reads the four tables, which are
-- small next to sales and clicks.
SELECT t.slug,
       (SELECT count(*) FROM trackai.users u WHERE u.tenant_id = t.id) AS users,
       (SELECT count(*) FROM trackai.user_conversions l WHERE l.tenant_id = t.id) AS linked,
       (SELECT count(*) FROM trackai.campaigns c WHERE c.tenant_id = t.id) AS campaigns,
       (SELECT count(*) FROM trackai.refunds r WHERE r.tenant_id = t.id AND r.conversion_id IS NOT NULL) AS refunds
FROM trackai.tenants t
