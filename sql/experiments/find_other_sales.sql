-- Adds the other sales of users who arrived or changed. Indexes: none is needed; links are read once.
INSERT INTO pg_temp.arrived_sales (tenant_id, conversion_id, user_id, arrived)
SELECT l.tenant_id, l.conversion_id, l.user_id, false
FROM trackai.user_conversions l
WHERE l.tenant_id = %(tenant_id)s
  AND l.user_id IN (SELECT u.user_id FROM pg_temp.arrived_users u WHERE u.arrived)
  AND NOT EXISTS (SELECT FROM pg_temp.arrived_sales s WHERE s.conversion_id = l.conversion_id)
