-- Enters a creator into a raffle. Index: the key of raffle_participations.
INSERT INTO trackai.raffle_participations (tenant_id, mission_id, user_id, participated_at, created_at, updated_at)
VALUES (%(tenant_id)s, %(mission_id)s, %(user_id)s, %(now)s, %(now)s, %(now)s)
