-- Which of these funnels do not exist. Index: funnels' primary key.
SELECT wanted.tenant_id, wanted.id
FROM unnest(%(tenant_ids)s::text[], %(ids)s::text[]) AS wanted (tenant_id, id)
WHERE NOT EXISTS (SELECT FROM trackai.funnels f WHERE f.tenant_id = wanted.tenant_id AND f.id = wanted.id)
