-- Makes members of staged creators with a day of membership: from the first day on that is not evaluated, where the day is.
-- Until a member is evaluated, the earliest day counts. Index: loyalty_members' primary key, in whose order rows are written.
INSERT INTO trackai.loyalty_members AS m (tenant_id, user_id, enrolled_on, created_at, updated_at)
SELECT s.tenant_id, s.user_id,
       min(greatest(s.enrolled_on, (
           SELECT max(e.day) + 1 FROM trackai.tier_evaluations e WHERE e.tenant_id = s.tenant_id
       ))),
       %(now)s, %(now)s
FROM pg_temp.staged_creators s
WHERE s.enrolled_on IS NOT NULL
GROUP BY s.tenant_id, s.user_id
ORDER BY s.tenant_id, s.user_id
ON CONFLICT (tenant_id, user_id) DO UPDATE
SET enrolled_on = excluded.enrolled_on, updated_at = excluded.updated_at
WHERE m.current_tier IS NULL AND excluded.enrolled_on < m.enrolled_on
