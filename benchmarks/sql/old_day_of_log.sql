-- Rows %(first)s to %(last)s of the log, evenly over a UTC day that has passed.
INSERT INTO trackai.match_log
    (tenant_id, conversion_id, attempt, strategy, outcome, click_id, processing_ms, run_id, created_at)
SELECT benchmark.tenant_of(n, w.tenants),
       n,
       1,
       'fbc',
       CASE WHEN n %% 4 < 3 THEN 'hit' ELSE 'no_candidate' END,
       CASE WHEN n %% 4 < 3 THEN n END,
       2 + benchmark.chance(n, 12),
       md5((n / 5000)::text)::uuid::text,
       %(day)s::date + (n - %(first)s::bigint) * interval '24 hours' / (%(last)s::bigint - %(first)s::bigint + 1)
FROM benchmark.world w
CROSS JOIN generate_series(%(first)s::bigint, %(last)s::bigint) n
