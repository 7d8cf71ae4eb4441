-- Gives each tenant, which has none, %(periods)s periods of settings with equal values, all but the first within the two days that the
-- world's sales lie in.
WITH starts AS (
    SELECT t.id, n,
           CASE WHEN n = 0 THEN '-infinity' ELSE w.until - (%(periods)s - n) * interval '48 hours' / %(periods)s END
               AS effective_from
    FROM trackai.tenants t
    CROSS JOIN benchmark.world w
    CROSS JOIN generate_series(0, %(periods)s - 1) AS n
)
INSERT INTO trackai.matching_settings
    (tenant_id, effective_from, effective_to, lookback_days, email_matching, lookback_version, email_version)
SELECT s.id, s.effective_from,
       coalesce(lead(s.effective_from) OVER (PARTITION BY s.id ORDER BY s.n), 'infinity'),
       90, false, 0, 0
FROM starts s
