-- So many campaigns of each tenant with figures of years.
INSERT INTO trackai.campaigns (tenant_id, campaign_id, name)
SELECT 'years-' || t, 'campaign-' || c, 'campaign-' || c
FROM generate_series(1, %(tenants)s) AS t
CROSS JOIN generate_series(1, %(campaigns)s) AS c
ON CONFLICT DO NOTHING
