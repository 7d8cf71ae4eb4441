-- The tenants that a person's data may be erased from, whatever their status. A small table, read whole.
SELECT id, slug, default_country FROM trackai.tenants ORDER BY slug
