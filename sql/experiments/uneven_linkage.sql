-- Tests whose variants differ, on the newest day, in how many users are linked with their sales, or in how many buyers have
-- a click: with p-values below %(threshold)s.
-- Index: idx_abt_status, the key of ab_test_daily_health. Guarantees: read-only.
SELECT s.slug AS tenant, t.test_key AS test, p.what, p.p_value
FROM trackai.ab_tests t
JOIN trackai.tenants s ON s.id = t.tenant_id
CROSS JOIN LATERAL (
    SELECT h.linkage_p_value, h.tracking_p_value
    FROM trackai.ab_test_daily_health h
    WHERE h.tenant_id = t.tenant_id AND h.test_id = t.id
    ORDER BY h.day DESC
    LIMIT 1
) h
CROSS JOIN LATERAL (VALUES
    ('links the users of its variants differently with their sales', h.linkage_p_value),
    ('attributes the sales of its variants differently', h.tracking_p_value)
) AS p (what, p_value)
WHERE t.status IN ('running', 'paused', 'completed') AND p.p_value < %(threshold)s
ORDER BY s.slug, t.test_key, p.what
