-- The currency of each tenant's program: what amounts without one are in. Index: loyalty_programs' primary key.
SELECT DISTINCT ON (tenant_id) tenant_id, currency
FROM trackai.loyalty_programs
ORDER BY tenant_id, valid_from DESC
