-- What count_users returns, of the users who were assigned since the first UTC day of a test whose totals change
-- (%(assigned_from)s); they are among those who arrived.
-- Indexes: users_by_change, where those are found who became known since %(since)s, and joined by hashes: nearly all of a new
-- day. The others are looked up by the key of users.
WITH changed AS MATERIALIZED (
    SELECT l.id, num_nonnulls(l.email_hash, l.phone_hash) > 0 AS linked
    FROM trackai.users l
    WHERE l.tenant_id = %(tenant_id)s AND l.changed_at >= %(since)s
)
SELECT u.test_id, u.variant_name, (date_bin('1 day', u.assigned_at, '2000-01-01 00:00Z') AT TIME ZONE 'UTC')::date AS day,
       u.exclusion, count(*) AS users, count(*) FILTER (WHERE NOT coalesce(c.linked, l.linked, false)) AS unlinked
FROM pg_temp.arrived_users u
LEFT JOIN changed c ON c.id = u.user_id
LEFT JOIN LATERAL (
    SELECT num_nonnulls(f.email_hash, f.phone_hash) > 0 AS linked
    FROM trackai.users f
    WHERE c.id IS NULL AND f.tenant_id = %(tenant_id)s AND f.id = u.user_id
    OFFSET 0
) l ON true
WHERE u.assigned_at >= (%(assigned_from)s::timestamptz[])[array_position(%(test_ids)s::bigint[], u.test_id)]
GROUP BY u.test_id, u.variant_name, date_bin('1 day', u.assigned_at, '2000-01-01 00:00Z'), u.exclusion
