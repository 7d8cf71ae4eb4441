-- All tenants, whatever their status: flags are asked for all of them. A small table, read whole.
SELECT t.id, t.slug, t.default_country FROM trackai.tenants AS t
