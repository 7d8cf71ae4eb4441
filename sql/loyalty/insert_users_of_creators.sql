-- Makes the users that staged creators name. Index: users' primary key, in whose order rows are written.
INSERT INTO trackai.users (tenant_id, id, created_at, updated_at)
SELECT DISTINCT s.tenant_id, s.user_id, %(now)s::timestamptz, %(now)s::timestamptz
FROM pg_temp.staged_creators s
ORDER BY s.tenant_id, s.user_id
ON CONFLICT (tenant_id, id) DO NOTHING
