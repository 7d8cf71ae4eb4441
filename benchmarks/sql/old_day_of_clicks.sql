-- The clicks number %(first)s to %(last)s of the world, moved to a UTC day that has passed.
INSERT INTO trackai.clicks
    (tenant_id, fbclid, fbc, fbp, utm_source, utm_campaign, ip, user_agent, created_at, ingested_at)
SELECT benchmark.tenant_of(n, w.tenants),
       benchmark.fbclid_of(n),
       CASE WHEN n & 1 = 0 THEN benchmark.fbc_of(n, click.at) END,
       benchmark.fbp_of(n),
       'facebook',
       'campaign-' || floor(200 * benchmark.chance(n, 8)),
       '198.18.0.0'::inet + (n & 131071),
       benchmark.user_agent_of(n),
       click.at,
       click.at
FROM benchmark.world w
CROSS JOIN generate_series(%(first)s::bigint, %(last)s::bigint) n
CROSS JOIN LATERAL (
    SELECT %(day)s::date + (n - %(first)s::bigint) * interval '24 hours' / (%(last)s::bigint - %(first)s::bigint + 1) AS at
) click
