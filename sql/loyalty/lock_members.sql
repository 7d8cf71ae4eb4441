-- Locks the creators %(winners)s until the transaction ends, in the order of their ids. Index: the key of loyalty_members.
SELECT m.user_id FROM trackai.loyalty_members m
WHERE m.tenant_id = %(tenant_id)s AND m.user_id = ANY (%(winners)s)
ORDER BY m.user_id
FOR NO KEY UPDATE
