-- The tenants that have a loyalty program; with %(tenant_id)s, that one alone. Index: loyalty_programs' primary key.
SELECT DISTINCT tenant_id
FROM trackai.loyalty_programs
WHERE %(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s
ORDER BY tenant_id
