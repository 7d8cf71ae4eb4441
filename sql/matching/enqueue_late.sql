-- Puts unmatched conversions back on the queue that an arrived click, or an arrived identity's click, can match.
-- Indexes: primary keys (the arrived ranges), open_click_keys, open_browser_keys, open_email_keys.
-- Guarantees: exactly those with the same key (not only the same hash) and the click inside the window, so each one
-- that is queued here becomes a hit. It waits for a conversion that is being matched right now instead of missing it.
WITH arrived AS (
    SELECT * FROM unnest(%(tenant_ids)s::text[], %(facts)s::text[], %(first_ids)s::bigint[], %(last_ids)s::bigint[])
        AS a (tenant_id, fact, first_id, last_id)
),
clicks AS MATERIALIZED (
    SELECT k.tenant_id, k.created_at,
           trackai.click_key(k.fbc, k.fbclid) AS click_key,
           trackai.browser_key(k.fbp) AS browser_key
    FROM arrived a
    JOIN trackai.clicks k ON k.tenant_id = a.tenant_id AND k.id BETWEEN a.first_id AND a.last_id
    WHERE a.fact = 'click'
),
identified AS MATERIALIZED (
    SELECT i.tenant_id, i.email_hash, k.created_at
    FROM arrived a
    JOIN trackai.identities i ON i.tenant_id = a.tenant_id AND i.id BETWEEN a.first_id AND a.last_id
    JOIN trackai.clicks k ON k.tenant_id = i.tenant_id AND k.id = i.click_id
    JOIN trackai.tenants t ON t.id = i.tenant_id AND t.email_matching
    WHERE a.fact = 'identity'
),
keyed AS (
    SELECT m.tenant_id, m.conversion_id, k.created_at
    FROM clicks k
    JOIN trackai.matched_attributions m
        ON m.tenant_id = k.tenant_id AND m.open_click_key = trackai.key_hash(k.click_key)
    JOIN trackai.conversions c ON c.tenant_id = m.tenant_id AND c.id = m.conversion_id
    WHERE trackai.click_key(c.fbc, c.fbclid) = k.click_key
    UNION ALL
    SELECT m.tenant_id, m.conversion_id, k.created_at
    FROM clicks k
    JOIN trackai.matched_attributions m
        ON m.tenant_id = k.tenant_id AND m.open_browser_key = trackai.key_hash(k.browser_key)
    JOIN trackai.conversions c ON c.tenant_id = m.tenant_id AND c.id = m.conversion_id
    WHERE trackai.browser_key(c.fbp) = k.browser_key
    UNION ALL
    SELECT m.tenant_id, m.conversion_id, k.created_at
    FROM identified k
    JOIN trackai.matched_attributions m
        ON m.tenant_id = k.tenant_id AND m.open_email_key = trackai.key_hash(k.email_hash)
    JOIN trackai.conversions c ON c.tenant_id = m.tenant_id AND c.id = m.conversion_id
    WHERE c.customer_email_hash = k.email_hash
)
INSERT INTO trackai.match_queue (tenant_id, conversion_id, cause)
SELECT DISTINCT k.tenant_id, k.conversion_id, 'recheck'
FROM keyed k
JOIN trackai.conversions c ON c.tenant_id = k.tenant_id AND c.id = k.conversion_id
JOIN trackai.tenants t ON t.id = k.tenant_id
WHERE k.created_at > c.occurred_at - t.lookback_days * interval '24 hours'
  AND k.created_at <= c.occurred_at + interval '5 minutes'
ORDER BY 1, 2
ON CONFLICT DO NOTHING
