-- Says whose an alias is from a day on; said again, the later word counts. Index: creator_aliases' primary key.
INSERT INTO trackai.creator_aliases (tenant_id, kind, alias, valid_from, user_id, created_at, updated_at)
VALUES (%(tenant_id)s, %(kind)s, %(alias)s, %(valid_from)s, %(user_id)s, %(now)s, %(now)s)
ON CONFLICT (tenant_id, kind, alias, valid_from) DO UPDATE
SET user_id = excluded.user_id, updated_at = excluded.updated_at
