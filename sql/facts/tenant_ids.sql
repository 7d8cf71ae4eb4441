-- The ids of all tenants. A small table, read whole.
SELECT id FROM trackai.tenants ORDER BY id
