-- Which user each sale of a tenant was linked with at %(known_at)s: a link that is older stands; in the place of one that
-- is newer, what the rule of v_wrong_user_links gave with the users of then. What was linked by a hash that was replaced
-- since is not known.
-- Indexes: none is needed, as in outcomes.
WITH moved AS MATERIALIZED (
    SELECT c.id, trackai.contact_hash(c.customer_email_hash) AS email_hash,
           trackai.contact_hash(c.customer_phone_hash) AS phone_hash
    FROM trackai.user_conversions l
    JOIN trackai.conversions c ON c.tenant_id = %(tenant_id)s AND c.id = l.conversion_id
    WHERE l.tenant_id = %(tenant_id)s AND l.linked_at > %(known_at)s AND c.created_at <= %(known_at)s
),
by_email AS (
    SELECT m.id, min(u.id) AS user_id
    FROM moved m
    JOIN trackai.users u
        ON u.tenant_id = %(tenant_id)s AND u.email_hash = m.email_hash AND u.changed_at <= %(known_at)s
    GROUP BY m.id
),
by_phone AS (
    SELECT m.id, min(u.id) AS user_id
    FROM moved m
    JOIN trackai.users u
        ON u.tenant_id = %(tenant_id)s AND u.phone_hash = m.phone_hash AND u.changed_at <= %(known_at)s
    GROUP BY m.id
)
SELECT l.tenant_id, l.conversion_id, l.user_id
FROM trackai.user_conversions l
WHERE l.tenant_id = %(tenant_id)s AND l.linked_at <= %(known_at)s
UNION ALL
SELECT %(tenant_id)s, m.id, coalesce(e.user_id, p.user_id)
FROM moved m
LEFT JOIN by_email e ON e.id = m.id
LEFT JOIN by_phone p ON p.id = m.id
WHERE coalesce(e.user_id, p.user_id) IS NOT NULL
