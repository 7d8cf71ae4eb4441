-- Forgets the clicks from archives that are in the database, too: a file may hold some that were not removed yet.
-- Index: the primary key of clicks.
DELETE FROM archived_clicks a
WHERE EXISTS (SELECT FROM trackai.clicks k WHERE k.tenant_id = a.tenant_id AND k.id = a.id)
