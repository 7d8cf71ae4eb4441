-- The creators of a tenant who were evaluated; with %(moved)s, those with an event between two days; with a day, those with
-- an event on it and a thirtieth of all, another one each day. Index: the primary keys.
SELECT m.user_id
FROM trackai.loyalty_members m
CROSS JOIN LATERAL (
    SELECT count(*) AS events,
           count(*) FILTER (WHERE c.checkpoint_date BETWEEN %(from_day)s AND %(to_day)s) AS moves,
           count(*) FILTER (WHERE c.checkpoint_date = %(sampled)s::date) AS sampled
    FROM trackai.tier_checkpoints c
    WHERE c.tenant_id = m.tenant_id AND c.user_id = m.user_id
) AS e
WHERE m.tenant_id = %(tenant_id)s AND m.enrolled_on <= %(to_day)s
  AND (m.current_tier IS NOT NULL OR e.events > 0)
  AND (NOT %(moved)s OR e.moves > 0)
  AND (%(sampled)s::date IS NULL OR e.sampled > 0
       OR mod(abs(hashtext(m.user_id)::bigint), 30) = mod(%(sampled)s::date - '2000-01-01'::date, 30))
ORDER BY m.user_id
