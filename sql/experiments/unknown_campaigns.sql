-- Which of these campaigns do not exist. Index: campaigns' primary key.
SELECT wanted.tenant_id, wanted.id
FROM unnest(%(tenant_ids)s::text[], %(ids)s::text[]) AS wanted (tenant_id, id)
WHERE NOT EXISTS (
    SELECT FROM trackai.campaigns c WHERE c.tenant_id = wanted.tenant_id AND c.campaign_id = wanted.id
)
