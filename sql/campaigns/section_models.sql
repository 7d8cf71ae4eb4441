-- What each model credits to the campaigns of all tenants, or of the one with this slug, on the UTC days %(first)s to
-- %(last)s, by currency, next to what they cost in it; the dearest first.
-- Indexes: the primary keys of campaign_credit_daily and campaign_daily_money, once a tenant.
SELECT t.slug, m.campaign_id AS name, m.currency, m.spend, m.revenues
FROM trackai.tenants t
CROSS JOIN LATERAL (
    SELECT x.campaign_id, x.currency, sum(x.spend) AS spend,
           jsonb_object_agg(x.model, x.revenue::text) FILTER (WHERE x.model IS NOT NULL) AS revenues
    FROM (
        SELECT c.campaign_id, c.currency, c.model, sum(c.revenue) AS revenue, NULL::numeric AS spend
        FROM trackai.campaign_credit_daily c
        WHERE c.tenant_id = t.id AND c.date BETWEEN %(first)s AND %(last)s
        GROUP BY c.campaign_id, c.currency, c.model
        UNION ALL
        SELECT d.campaign_id, d.currency, NULL, NULL, sum(d.spend)
        FROM trackai.campaign_daily_money d
        WHERE d.tenant_id = t.id AND d.date BETWEEN %(first)s AND %(last)s
        GROUP BY d.campaign_id, d.currency
    ) x
    GROUP BY x.campaign_id, x.currency
) m
WHERE (%(tenant)s::text IS NULL OR t.slug = %(tenant)s) AND m.revenues IS NOT NULL
ORDER BY t.slug, m.spend DESC NULLS LAST, m.campaign_id, m.currency
