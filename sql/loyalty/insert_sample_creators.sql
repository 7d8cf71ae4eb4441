-- Adds the sample's creators: users, members and their handles, each from a day on.
WITH creators AS (
    SELECT c.user_id, c.enrolled_on FROM unnest(%(users)s::text[], %(days)s::date[]) AS c (user_id, enrolled_on)
),
known AS (
    INSERT INTO trackai.users (tenant_id, id) SELECT %(tenant_id)s, c.user_id FROM creators c
),
members AS (
    INSERT INTO trackai.loyalty_members (tenant_id, user_id, enrolled_on)
    SELECT %(tenant_id)s, c.user_id, c.enrolled_on FROM creators c
)
INSERT INTO trackai.creator_aliases (tenant_id, kind, alias, valid_from, user_id)
SELECT %(tenant_id)s, 'tiktok', c.user_id, c.enrolled_on, c.user_id FROM creators c
