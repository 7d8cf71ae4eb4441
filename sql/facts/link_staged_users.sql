-- Brings up to date the links of conversions that staged users touch: those with a hash that a user has now, and those
-- linked to a user whose hashes may have been replaced.
-- Indexes: conversions by each hash, user_conversions_by_user, users by hash. Repeating it changes nothing.
WITH touched AS (
    SELECT c.tenant_id, c.id AS conversion_id
    FROM pg_temp.staged_users s
    JOIN trackai.conversions c ON c.tenant_id = s.tenant_id AND c.customer_email_hash = s.email_hash
    UNION
    SELECT c.tenant_id, c.id
    FROM pg_temp.staged_users s
    JOIN trackai.conversions c ON c.tenant_id = s.tenant_id AND c.customer_phone_hash = s.phone_hash
    UNION
    SELECT l.tenant_id, l.conversion_id
    FROM pg_temp.staged_users s
    JOIN trackai.user_conversions l ON l.tenant_id = s.tenant_id AND l.user_id = s.id
), wrong AS MATERIALIZED (
    SELECT w.tenant_id, w.conversion_id, w.user_id, w.linked_by
    FROM touched t
    JOIN trackai.v_wrong_user_links w ON w.tenant_id = t.tenant_id AND w.conversion_id = t.conversion_id
), removed AS (
    DELETE FROM trackai.user_conversions l
    USING wrong w
    WHERE l.tenant_id = w.tenant_id AND l.conversion_id = w.conversion_id AND w.user_id IS NULL
)
INSERT INTO trackai.user_conversions (tenant_id, conversion_id, user_id, linked_by, linked_at)
SELECT w.tenant_id, w.conversion_id, w.user_id, w.linked_by, %(now)s
FROM wrong w
WHERE w.user_id IS NOT NULL
ORDER BY w.tenant_id, w.conversion_id
ON CONFLICT (tenant_id, conversion_id) DO UPDATE
SET user_id = excluded.user_id, linked_by = excluded.linked_by, linked_at = excluded.linked_at
