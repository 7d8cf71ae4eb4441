-- Users, conversions linked with one, and campaigns, by tenant. Reads the three tables, which are small next to facts.
SELECT t.slug,
       (SELECT count(*) FROM trackai.users u WHERE u.tenant_id = t.id) AS users,
       (SELECT count(*) FROM trackai.user_conversions l WHERE l.tenant_id = t.id) AS linked,
       (SELECT count(*) FROM trackai.campaigns c WHERE c.tenant_id = t.id) AS campaigns
FROM trackai.tenants t
