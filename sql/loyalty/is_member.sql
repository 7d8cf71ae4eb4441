-- Whether there is a creator, and whether they will still be there on a day. Index: the primary key of loyalty_members.
SELECT m.left_on IS NULL OR m.left_on > %(day)s::date FROM trackai.loyalty_members m
WHERE m.tenant_id = %(tenant_id)s AND m.user_id = %(user_id)s
