-- Excludes a user from all tests of a tenant; no row where the user is excluded already. Index: the primary key.
INSERT INTO trackai.excluded_users (tenant_id, user_id, reason, created_at, created_by)
VALUES (%(tenant_id)s, %(user_id)s, %(reason)s, %(now)s, %(by)s)
ON CONFLICT (tenant_id, user_id) DO NOTHING
RETURNING reason
