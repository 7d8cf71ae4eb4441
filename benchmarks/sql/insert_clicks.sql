-- The clicks number %(first)s to %(last)s of the world. Half of them carry the cookie next to the click id of the URL.
INSERT INTO trackai.clicks
    (id, tenant_id, fbclid, fbc, fbp, utm_source, utm_medium, utm_campaign, utm_content, ip, user_agent, created_at,
     ingested_at)
SELECT n,
       benchmark.tenant_of(n, w.tenants),
       benchmark.fbclid_of(n),
       CASE WHEN n & 1 = 0 THEN benchmark.fbc_of(n, click.at) END,
       benchmark.fbp_of(n),
       'facebook',
       'cpc',
       'campaign-' || floor(200 * benchmark.chance(n, 8)),
       'creative-' || floor(2000 * benchmark.chance(n, 9)),
       '198.18.0.0'::inet + (n & 131071),
       benchmark.user_agent_of(n),
       click.at,
       click.at
FROM benchmark.world w
CROSS JOIN generate_series(%(first)s::bigint, %(last)s::bigint) AS n
CROSS JOIN LATERAL (SELECT benchmark.clicked_at(n, w.clicks, w.until) AS at) click
