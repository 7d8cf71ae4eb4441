-- Takes up to %(clicks)s notes of deleted clicks. The caller sees in the same transaction that no attribution keeps them.
-- Index: deleted_clicks' primary key. Guarantees: no note is given to two workers; a dead worker's comes back.
WITH taken AS MATERIALIZED (
    SELECT d.ctid AS place FROM trackai.deleted_clicks d LIMIT %(clicks)s FOR UPDATE SKIP LOCKED
)
DELETE FROM trackai.deleted_clicks d
WHERE d.ctid = ANY (ARRAY(SELECT place FROM taken))
RETURNING d.tenant_id, d.click_id
