-- Makes a user who is not there. Index: users' primary key.
INSERT INTO trackai.users (tenant_id, id, created_at, updated_at)
VALUES (%(tenant_id)s, %(user_id)s, %(now)s, %(now)s)
ON CONFLICT (tenant_id, id) DO NOTHING
