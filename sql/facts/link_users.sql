-- Brings up to date all links of a tenant's conversions that still have hashes; returns how many were made or changed, and
-- how many were removed. A user who loses a link had other hashes, and only this tells of it.
-- Reads the tenant's conversions once. Indexes: users by hash; users are locked in the order of their key, as loaders do.
-- Repeating it changes nothing.
-- (SELECT %(tenant_id)s) hides the tenant from the planner, which takes one that is newer than its statistics for one row.
WITH wrong AS MATERIALIZED (
    SELECT w.tenant_id, w.conversion_id, w.user_id, w.linked_by
    FROM trackai.v_wrong_user_links w
    WHERE w.tenant_id = (SELECT %(tenant_id)s)
), removed AS (
    DELETE FROM trackai.user_conversions l
    USING wrong w
    WHERE l.tenant_id = w.tenant_id AND l.conversion_id = w.conversion_id AND w.user_id IS NULL
    RETURNING l.user_id
), losers AS (
    SELECT u.id
    FROM trackai.users u
    WHERE u.tenant_id = %(tenant_id)s AND u.id IN (SELECT r.user_id FROM removed r)
    ORDER BY u.id
    FOR NO KEY UPDATE
), told AS (
    UPDATE trackai.users u
    SET changed_at = %(now)s, replaced_at = %(now)s
    FROM losers
    WHERE u.tenant_id = (SELECT %(tenant_id)s) AND u.id = losers.id
), linked AS (
    INSERT INTO trackai.user_conversions (tenant_id, conversion_id, user_id, linked_by, linked_at)
    SELECT w.tenant_id, w.conversion_id, w.user_id, w.linked_by, %(now)s
    FROM wrong w
    WHERE w.user_id IS NOT NULL
    ORDER BY w.tenant_id, w.conversion_id
    ON CONFLICT (tenant_id, conversion_id) DO UPDATE
    SET user_id = excluded.user_id, linked_by = excluded.linked_by, linked_at = excluded.linked_at
    RETURNING 1
)
SELECT (SELECT count(*) FROM linked), (SELECT count(*) FROM removed)
