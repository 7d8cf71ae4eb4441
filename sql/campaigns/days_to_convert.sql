-- Tenants' UTC days from %(from_day)s to %(to_day)s with amounts in another currency than that they report in.
-- Index: campaign_daily_money's primary key, once a tenant.
SELECT t.id AS tenant_id, t.slug, d.date
FROM trackai.tenants t
CROSS JOIN LATERAL (
    SELECT DISTINCT m.date
    FROM trackai.campaign_daily_money m
    WHERE m.tenant_id = t.id AND m.date BETWEEN %(from_day)s AND %(to_day)s
      AND m.currency NOT IN (t.reporting_currency, 'XXX')
) d
WHERE t.reporting_currency IS NOT NULL
ORDER BY t.slug, d.date
