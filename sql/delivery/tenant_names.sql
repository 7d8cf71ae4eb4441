-- Every tenant's name, by slug. Index: none, a row a tenant.
SELECT slug, name FROM trackai.tenants ORDER BY slug
