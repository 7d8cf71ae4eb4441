-- Registers the campaigns that the clicks and touches of a tenant's UTC day belong to, and notes that they were clicked,
-- e.g. what an alias means. Which campaign costs belong to depends on it, so it comes before them.
-- Index: campaigns' primary key, by which each is looked up, as a range of one, so that no stale statistics make another
-- one as good. Repeating it changes nothing.
INSERT INTO trackai.campaigns AS c (tenant_id, campaign_id, name, status, created_at, clicked, named_at)
SELECT %(tenant_id)s, n.campaign_id, n.campaign_id, 'active', %(now)s, true, %(now)s
FROM (
    SELECT s.campaign_id FROM day_sales s
    UNION
    SELECT k.campaign_id FROM day_clicks k
) n
WHERE (
    SELECT o.clicked
    FROM trackai.campaigns o
    WHERE o.tenant_id = %(tenant_id)s AND o.campaign_id BETWEEN n.campaign_id AND n.campaign_id
    ORDER BY o.campaign_id
    LIMIT 1
) IS NOT TRUE
ORDER BY n.campaign_id
ON CONFLICT (tenant_id, campaign_id) DO UPDATE SET clicked = true, named_at = excluded.named_at
WHERE NOT c.clicked
