-- Returns how many users a tenant has. Index: the key of users, whose entries of the tenant it counts.
SELECT count(*) FROM trackai.users u WHERE u.tenant_id = %(tenant_id)s
