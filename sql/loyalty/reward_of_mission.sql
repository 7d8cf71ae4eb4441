-- The reward of a mission. Index: the key of missions.
SELECT i.reward_id FROM trackai.missions i
WHERE i.tenant_id = %(tenant_id)s AND i.mission_id = %(mission_id)s AND i.mission_type <> 'raffle'
