-- Where a tenant's creators stand. Index: the primary keys, by tenant.
SELECT s.* FROM trackai.creator_standing s WHERE s.tenant_id = %(tenant_id)s ORDER BY s.user_id
