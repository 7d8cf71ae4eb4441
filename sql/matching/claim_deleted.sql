-- Takes up to %(clicks)s notes of deleted clicks. The caller clears them from attributions in the same transaction.
-- The trigger clicks_are_unlinked on clicks (sql/schema.sql) writes the notes.
-- Index: deleted_clicks' primary key. Guarantees: no two workers get the same note; a dead worker's note comes back.
WITH taken AS MATERIALIZED (
    SELECT d.ctid AS place FROM trackai.deleted_clicks d LIMIT %(clicks)s FOR UPDATE SKIP LOCKED
)
DELETE FROM trackai.deleted_clicks d
WHERE d.ctid = ANY (ARRAY(SELECT place FROM taken))
RETURNING d.tenant_id, d.click_id
