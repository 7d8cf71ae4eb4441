-- How many users each test has by variant, UTC day of assignment, why they are not analysed (NULL: are), and whether they are
-- linked: in users, with a hash there. As far as that had arrived by %(known_at)s; who had other hashes than now was linked
-- then.
-- Indexes: none is needed. Assignments and users are read once and joined by hashes.
SELECT u.test_id, u.variant_name, (date_bin('1 day', u.assigned_at, '2000-01-01 00:00Z') AT TIME ZONE 'UTC')::date AS day,
       u.exclusion, count(*) AS users, count(*) FILTER (WHERE l.id IS NULL) AS unlinked
FROM trackai.ab_test_users_as_known(%(tenant_id)s, %(known_at)s) u
LEFT JOIN trackai.users l
    ON l.tenant_id = %(tenant_id)s AND l.id = u.user_id AND num_nonnulls(l.email_hash, l.phone_hash) > 0
   AND (l.changed_at <= %(known_at)s OR l.replaced_at > %(known_at)s)
WHERE u.test_id = ANY (%(test_ids)s::bigint[])
GROUP BY u.test_id, u.variant_name, date_bin('1 day', u.assigned_at, '2000-01-01 00:00Z'), u.exclusion
