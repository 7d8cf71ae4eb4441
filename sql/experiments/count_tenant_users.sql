-- Returns how many users a tenant has, and how many of them were created in some time. Index: the key of users; the rows of
-- the tenant are read.
SELECT count(*), count(*) FILTER (WHERE u.created_at >= %(since)s AND u.created_at < %(until)s)
FROM trackai.users u
WHERE u.tenant_id = %(tenant_id)s
