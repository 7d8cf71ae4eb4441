-- What decides whether a creator can claim a reward, for the tier or for the mission %(mission_id)s: one row, or none where
-- there is no such reward. Call it while the creator is locked.
-- Indexes: the keys of all tables; one program, one creator, one reward. The function's plan is kept for the session.
SELECT *
FROM trackai.claim_facts(
    %(tenant_id)s, %(user_id)s, %(reward_id)s, %(mission_id)s, %(claim_key)s, %(now)s::timestamptz
)
