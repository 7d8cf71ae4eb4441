-- Drops the events of a draft. Index: the primary key, by tenant.
DELETE FROM trackai.tier_checkpoints WHERE tenant_id = %(tenant_id)s
