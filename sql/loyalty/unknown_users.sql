-- Which of these users do not exist. Index: users' primary key.
SELECT wanted.tenant_id, wanted.id
FROM unnest(%(tenant_ids)s::text[], %(ids)s::text[]) AS wanted (tenant_id, id)
WHERE NOT EXISTS (SELECT FROM trackai.users u WHERE u.tenant_id = wanted.tenant_id AND u.id = wanted.id)
