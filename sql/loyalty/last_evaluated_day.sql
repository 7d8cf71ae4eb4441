-- The last evaluated day of a tenant. Index: the primary key.
SELECT max(v.day) FROM trackai.tier_evaluations v WHERE v.tenant_id = %(tenant_id)s
