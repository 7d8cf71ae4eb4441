-- Drops the evaluations of a draft. Index: the primary key, by tenant.
DELETE FROM trackai.tier_evaluations WHERE tenant_id = %(tenant_id)s
