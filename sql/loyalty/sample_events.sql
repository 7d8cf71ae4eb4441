-- The events of the sample's tenant up to a day. Index: the primary key.
SELECT c.user_id, c.checkpoint_date, c.status, c.tier_after
FROM trackai.tier_checkpoints c
WHERE c.tenant_id = %(tenant_id)s AND c.checkpoint_date <= %(last)s
