-- Registers the campaigns that a tenant's clicks name and that are not known yet, e.g. of clicks that were inserted by
-- plain SQL; returns how many. Reads all clicks of the tenant: nothing says which of them came by plain SQL.
-- Index: campaigns' primary key. Repeating it changes nothing.
WITH registered AS (
    INSERT INTO trackai.campaigns (tenant_id, campaign_id, name, status, created_at)
    SELECT n.tenant_id, n.campaign_id, n.campaign_id, 'active', %(now)s
    FROM (
        SELECT DISTINCT d.tenant_id, trackai.campaign_of(d.utm_campaign) COLLATE "C" AS campaign_id
        FROM (
            SELECT DISTINCT k.tenant_id, k.utm_campaign FROM trackai.clicks k WHERE k.tenant_id = %(tenant_id)s
        ) d
    ) n
    WHERE NOT EXISTS (
        SELECT FROM trackai.campaigns c WHERE c.tenant_id = n.tenant_id AND c.campaign_id = n.campaign_id
    )
    ORDER BY n.tenant_id, n.campaign_id
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM registered
