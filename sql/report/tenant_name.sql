-- The name of the tenant with a slug; no row where there is none. Index: tenants_slug_key.
SELECT name FROM trackai.tenants WHERE slug = %(slug)s
