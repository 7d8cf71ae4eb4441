-- Who entered a raffle, by score where it is drawn. Index: the key of raffle_participations.
SELECT e.user_id, e.score, e.is_winner
FROM trackai.raffle_participations e
WHERE e.tenant_id = %(tenant_id)s AND e.mission_id = %(mission_id)s
ORDER BY e.score, e.user_id
