-- Finds unmatched conversions that an arrived click can match: each conversion of these tenants that waits for a key
-- looks for the arrived clicks with it. The same answer as find_late's, for a tenant with few such conversions.
-- Indexes: open_click_keys, open_browser_keys, clicks_by_click_key, clicks_by_browser_key, and primary keys. OFFSET 0
-- and ORDER BY: see find_late.
-- Guarantees: those of find_late.
WITH arrived AS MATERIALIZED (
    SELECT a.tenant_id, range_agg(int8range(a.first_id, a.last_id, '[]')) AS ids
    FROM unnest(%(tenant_ids)s::text[], %(first_ids)s::bigint[], %(last_ids)s::bigint[])
        AS a (tenant_id, first_id, last_id)
    GROUP BY a.tenant_id
),
waiting AS (
    SELECT m.tenant_id, m.conversion_id, k.created_at, 'click_key' AS key_name, k.click_key AS key
    FROM arrived a
    CROSS JOIN LATERAL (
        SELECT m.tenant_id, m.conversion_id, m.open_click_key
        FROM trackai.matched_attributions m
        WHERE m.tenant_id = a.tenant_id AND m.open_click_key IS NOT NULL
        ORDER BY m.open_click_key
        OFFSET 0
    ) m
    CROSS JOIN LATERAL (
        SELECT k.created_at, trackai.click_key(k.fbc, k.fbclid) AS click_key
        FROM trackai.clicks k
        WHERE k.tenant_id = m.tenant_id
          AND trackai.key_hash(trackai.click_key(k.fbc, k.fbclid)) = m.open_click_key
          AND a.ids @> k.id
        ORDER BY k.created_at DESC, k.id DESC
        OFFSET 0
    ) k
    UNION ALL
    SELECT m.tenant_id, m.conversion_id, k.created_at, 'browser_key', k.browser_key
    FROM arrived a
    CROSS JOIN LATERAL (
        SELECT m.tenant_id, m.conversion_id, m.open_browser_key
        FROM trackai.matched_attributions m
        WHERE m.tenant_id = a.tenant_id AND m.open_browser_key IS NOT NULL
        ORDER BY m.open_browser_key
        OFFSET 0
    ) m
    CROSS JOIN LATERAL (
        SELECT k.created_at, trackai.browser_key(k.fbp) AS browser_key
        FROM trackai.clicks k
        WHERE k.tenant_id = m.tenant_id
          AND trackai.key_hash(trackai.browser_key(k.fbp)) = m.open_browser_key
          AND a.ids @> k.id
        ORDER BY k.created_at DESC, k.id DESC
        OFFSET 0
    ) k
),
keyed AS (
    SELECT c.tenant_id, c.id, c.occurred_at, w.created_at
    FROM waiting w
    CROSS JOIN LATERAL (
        SELECT c.tenant_id, c.id, c.occurred_at
        FROM trackai.conversions c
        WHERE c.tenant_id = w.tenant_id
          AND c.id = w.conversion_id
          AND w.key = CASE w.key_name
              WHEN 'click_key' THEN trackai.click_key(c.fbc, c.fbclid) ELSE trackai.browser_key(c.fbp)
          END
        OFFSET 0
    ) c
)
SELECT DISTINCT k.tenant_id, k.id AS conversion_id
FROM keyed k
LEFT JOIN LATERAL (
    SELECT CASE WHEN k.occurred_at < p.effective_to THEN p.lookback_days END AS lookback_days
    FROM trackai.matching_settings p
    WHERE p.tenant_id = k.tenant_id AND p.effective_from <= k.occurred_at
    ORDER BY p.effective_from DESC
    LIMIT 1
) s ON true
WHERE k.created_at <= k.occurred_at + interval '5 minutes'
  AND (s.lookback_days IS NULL OR k.created_at > k.occurred_at - s.lookback_days * interval '24 hours')
