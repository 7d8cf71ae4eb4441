-- For 65 in 100 clicks of the world an earlier one by the same browser, up to 20 days before: its journey has two touches.
INSERT INTO trackai.clicks
    (tenant_id, fbclid, fbp, utm_source, utm_medium, utm_campaign, utm_content, ip, user_agent, created_at, ingested_at)
SELECT benchmark.tenant_of(n, w.tenants),
       benchmark.fbclid_of(-n),
       benchmark.fbp_of(n),
       'google',
       'cpc',
       'campaign-' || floor(200 * benchmark.chance(-n, 8)),
       'creative-' || floor(2000 * benchmark.chance(-n, 9)),
       '198.18.0.0'::inet + (n & 131071),
       benchmark.user_agent_of(n),
       click.at,
       click.at
FROM benchmark.world w
CROSS JOIN generate_series(1::bigint, w.clicks) AS n
CROSS JOIN LATERAL (
    SELECT benchmark.clicked_at(n, w.clicks, w.until) - benchmark.chance(n, 10) * interval '20 days' AS at
) click
WHERE benchmark.chance(n, 11) < 0.65
