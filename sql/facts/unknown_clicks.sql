-- Which of these clicks (by number) do not exist. Index: clicks' primary key.
SELECT wanted.tenant_id, wanted.id
FROM unnest(%(tenant_ids)s::text[], %(ids)s::text[]) AS wanted (tenant_id, id)
WHERE NOT EXISTS (
    SELECT FROM trackai.clicks c WHERE c.tenant_id = wanted.tenant_id AND c.id = wanted.id::bigint
)
