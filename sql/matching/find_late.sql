-- Finds unmatched conversions that an arrived click, or an arrived identity's click, can match: each arrived fact looks
-- for the conversions that wait for its keys. The settings are those of the sale's moment, as in match_batch.
-- Indexes: primary keys (the arrived ranges, matching_settings), open_click_keys, open_browser_keys, open_email_keys.
-- OFFSET 0 keeps each look-up a look-up, and ORDER BY with keep_to_indexes keeps it to its index, whatever the planner
-- knows of the tables (BETWEEN instead of =, because a constant has no order).
-- Guarantees: exactly those with the same key (not only the same hash) and the click inside the window, so each one
-- that is found becomes a hit; and those whose moment has no settings, so that their batch asks for them.
WITH arrived AS MATERIALIZED (
    SELECT *
    FROM unnest(%(tenant_ids)s::text[], %(facts)s::text[], %(first_ids)s::bigint[], %(last_ids)s::bigint[])
        AS a (tenant_id, fact, first_id, last_id)
),
clicks AS MATERIALIZED (
    SELECT k.tenant_id, k.created_at, k.click_key, k.browser_key
    FROM arrived a
    CROSS JOIN LATERAL (
        SELECT k.tenant_id, k.created_at,
               trackai.click_key(k.fbc, k.fbclid) AS click_key,
               trackai.browser_key(k.fbp) AS browser_key
        FROM trackai.clicks k
        WHERE k.tenant_id = a.tenant_id AND k.id BETWEEN a.first_id AND a.last_id
        ORDER BY k.id
        OFFSET 0
    ) k
    WHERE a.fact = 'click'
),
identified AS MATERIALIZED (
    SELECT i.tenant_id, i.email_hash, k.created_at
    FROM arrived a
    CROSS JOIN LATERAL (
        SELECT i.tenant_id, i.email_hash, i.click_id
        FROM trackai.identities i
        WHERE i.tenant_id = a.tenant_id AND i.id BETWEEN a.first_id AND a.last_id
        ORDER BY i.id
        OFFSET 0
    ) i
    CROSS JOIN LATERAL (
        SELECT k.created_at FROM trackai.clicks k WHERE k.tenant_id = i.tenant_id AND k.id = i.click_id OFFSET 0
    ) k
    WHERE a.fact = 'identity'
      AND coalesce(
          (SELECT bool_or(s.email_matching) FROM trackai.matching_settings s WHERE s.tenant_id = a.tenant_id), true
      )
),
waiting AS (
    SELECT m.tenant_id, m.conversion_id, k.created_at, 'click_key' AS key_name, k.click_key AS key
    FROM clicks k
    CROSS JOIN LATERAL (
        SELECT m.tenant_id, m.conversion_id
        FROM trackai.matched_attributions m
        WHERE m.tenant_id = k.tenant_id
          AND m.open_click_key BETWEEN trackai.key_hash(k.click_key) AND trackai.key_hash(k.click_key)
        ORDER BY m.open_click_key
        OFFSET 0
    ) m
    UNION ALL
    SELECT m.tenant_id, m.conversion_id, k.created_at, 'browser_key', k.browser_key
    FROM clicks k
    CROSS JOIN LATERAL (
        SELECT m.tenant_id, m.conversion_id
        FROM trackai.matched_attributions m
        WHERE m.tenant_id = k.tenant_id
          AND m.open_browser_key BETWEEN trackai.key_hash(k.browser_key) AND trackai.key_hash(k.browser_key)
        ORDER BY m.open_browser_key
        OFFSET 0
    ) m
    UNION ALL
    SELECT m.tenant_id, m.conversion_id, k.created_at, 'email_hash', k.email_hash
    FROM identified k
    CROSS JOIN LATERAL (
        SELECT m.tenant_id, m.conversion_id
        FROM trackai.matched_attributions m
        WHERE m.tenant_id = k.tenant_id
          AND m.open_email_key BETWEEN trackai.key_hash(k.email_hash) AND trackai.key_hash(k.email_hash)
        ORDER BY m.open_email_key
        OFFSET 0
    ) m
),
keyed AS (
    SELECT c.tenant_id, c.id, c.occurred_at, w.created_at, w.key_name
    FROM waiting w
    CROSS JOIN LATERAL (
        SELECT c.tenant_id, c.id, c.occurred_at
        FROM trackai.conversions c
        WHERE c.tenant_id = w.tenant_id
          AND c.id = w.conversion_id
          AND w.key = CASE w.key_name
              WHEN 'click_key' THEN trackai.click_key(c.fbc, c.fbclid)
              WHEN 'browser_key' THEN trackai.browser_key(c.fbp)
              ELSE c.customer_email_hash
          END
        OFFSET 0
    ) c
)
SELECT DISTINCT k.tenant_id, k.id AS conversion_id
FROM keyed k
LEFT JOIN LATERAL (
    SELECT CASE WHEN k.occurred_at < p.effective_to THEN p.lookback_days END AS lookback_days, p.email_matching
    FROM trackai.matching_settings p
    WHERE p.tenant_id = k.tenant_id AND p.effective_from <= k.occurred_at
    ORDER BY p.effective_from DESC
    LIMIT 1
) s ON true
WHERE k.created_at <= k.occurred_at + interval '5 minutes'
  AND (
      s.lookback_days IS NULL
      OR k.created_at > k.occurred_at - s.lookback_days * interval '24 hours'
      AND (s.email_matching OR k.key_name <> 'email_hash')
  )
