-- Takes the clicks of pg_temp.restoring off the list of deleted ones, in the transaction that inserts them.
-- Index: deleted_clicks' primary key.
DELETE FROM trackai.deleted_clicks d
USING pg_temp.restoring r
WHERE d.tenant_id = r.tenant_id AND d.click_id = r.id
