-- Locks a creator until the transaction ends, so that a claim is before or after a change of the tier, never between.
-- Index: the key of loyalty_members. Rows that refer to the creator can still be inserted meanwhile.
SELECT m.user_id FROM trackai.loyalty_members m
WHERE m.tenant_id = %(tenant_id)s AND m.user_id = %(user_id)s
FOR NO KEY UPDATE
