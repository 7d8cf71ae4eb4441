-- Registers the campaigns that a tenant's clicks name and that are not known yet, e.g. of clicks that were inserted by
-- plain SQL, and notes of others that a click named them; returns how many. Reads all clicks of the tenant: nothing says
-- which of them came by plain SQL. Index: campaigns' primary key, by which each is looked
-- up as in register_staged_campaigns. Repeating it changes nothing.
WITH registered AS (
    INSERT INTO trackai.campaigns AS c (tenant_id, campaign_id, name, status, created_at, clicked, named_at)
    SELECT n.tenant_id, n.campaign_id, n.campaign_id, 'active', %(now)s, true, %(now)s
    FROM (
        SELECT DISTINCT d.tenant_id, trackai.campaign_of(d.utm_campaign) COLLATE "C" AS campaign_id
        FROM (
            SELECT DISTINCT k.tenant_id, k.utm_campaign FROM trackai.clicks k WHERE k.tenant_id = %(tenant_id)s
        ) d
    ) n
    WHERE (
        SELECT c.clicked
        FROM trackai.campaigns c
        WHERE c.tenant_id = n.tenant_id AND c.campaign_id BETWEEN n.campaign_id AND n.campaign_id
        ORDER BY c.campaign_id
        LIMIT 1
    ) IS NOT TRUE
    ORDER BY n.tenant_id, n.campaign_id
    ON CONFLICT (tenant_id, campaign_id) DO UPDATE SET clicked = true, named_at = excluded.named_at
    WHERE NOT c.clicked
    RETURNING 1
)
SELECT count(*) FROM registered
