-- Locks a raffle that was opened, until the transaction ends: nobody enters meanwhile. Index: the key of raffle_draws.
SELECT d.mission_id FROM trackai.raffle_draws d
WHERE d.tenant_id = %(tenant_id)s AND d.mission_id = %(mission_id)s
FOR UPDATE
