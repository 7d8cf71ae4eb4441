-- Notes the days on which clients were last used, each at most once a day. Index: the primary key.
-- Guarantees: a day never goes back, whichever of several servers writes last.
UPDATE trackai.feature_flag_clients AS c
SET last_used_on = u.day
FROM unnest(%(tenant_id)s::text [], %(id)s::bigint [], %(day)s::date []) AS u (tenant_id, id, day)
WHERE
    c.tenant_id = u.tenant_id
    AND c.id = u.id
    AND (c.last_used_on IS NULL OR c.last_used_on < u.day)
