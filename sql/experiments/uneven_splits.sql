-- Tests of which users are not split as planned on their newest day: with a p-value below %(threshold)s before or after
-- exclusions, a share of users who saw several variants above %(conflicting)s, or another test with which they go together.
-- Index: idx_abt_status, the keys of ab_test_daily_health and ab_test_daily_totals. Guarantees: read-only.
SELECT s.slug AS tenant, t.test_key AS test, w.what, w.p_value
FROM trackai.ab_tests t
JOIN trackai.tenants s ON s.id = t.tenant_id
CROSS JOIN LATERAL (
    SELECT h.*
    FROM trackai.ab_test_daily_health h
    WHERE h.tenant_id = t.tenant_id AND h.test_id = t.id
    ORDER BY h.day DESC
    LIMIT 1
) h
CROSS JOIN LATERAL (
    SELECT coalesce(sum(n.users_count), 0) AS analysed,
           string_agg(n.users_count || ' ' || n.variant_name, ', ' ORDER BY v.position) AS split
    FROM trackai.ab_test_daily_totals n
    JOIN trackai.ab_test_variants v
        ON v.tenant_id = n.tenant_id AND v.test_id = n.test_id AND v.variant_name = n.variant_name
    WHERE n.tenant_id = t.tenant_id AND n.test_id = t.id AND n.day = h.day AND n.population = 'so_far'
) n
CROSS JOIN LATERAL (
    SELECT coalesce(sum(v.value::bigint), 0) AS excluded,
           coalesce(sum(v.value::bigint) FILTER (WHERE r.key = 'conflicting_variants'), 0) AS conflicting
    FROM jsonb_each(h.excluded_users) r
    CROSS JOIN LATERAL jsonb_each_text(r.value) v
) x
CROSS JOIN LATERAL (
    SELECT 'is not split as its weights say: ' || n.split AS what, h.srm_p_value AS p_value
    WHERE h.srm_p_value < %(threshold)s
    UNION ALL
    SELECT 'is not split as its weights say before exclusions', h.srm_p_value_before_exclusions
    WHERE h.srm_p_value_before_exclusions < %(threshold)s
    UNION ALL
    SELECT 'has ' || x.conflicting || ' of ' || n.analysed + x.excluded || ' users who saw several variants', NULL
    WHERE x.conflicting > %(conflicting)s * (n.analysed + x.excluded)
    UNION ALL
    SELECT 'has variants that go together with those of ' || (o.value ->> 'test'), (o.value ->> 'p_value')::double precision
    FROM jsonb_array_elements(h.shared_users) o
    WHERE (o.value ->> 'p_value')::double precision < %(threshold)s
) w
WHERE t.status IN ('running', 'paused', 'completed')
ORDER BY s.slug, t.test_key, w.what
