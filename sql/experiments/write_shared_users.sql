-- Writes with which other tests each test shares many users, on its newest UTC day; earlier days say nothing of it.
-- Index: the key of ab_test_daily_health.
UPDATE trackai.ab_test_daily_health h
SET shared_users = CASE WHEN h.day = t.day THEN t.shared_users ELSE '[]' END
FROM unnest(%(test_ids)s::bigint[], %(days)s::date[], %(shared_users)s::jsonb[]) AS t (test_id, day, shared_users)
WHERE h.tenant_id = %(tenant_id)s AND h.test_id = t.test_id
  AND h.shared_users <> CASE WHEN h.day = t.day THEN t.shared_users ELSE '[]' END
