-- Finds the clicks that the keys of each sale, and of the click that it is matched with, lead to.
-- Indexes: clicks_by_click_key, clicks_by_browser_key, identities_by_email, identities_by_phone, identities_by_click and
-- the primary key of clicks.
-- Guarantees: clicks of the tenant in (sale - window, sale + 5 minutes] with the key, the newest first, each once for a
-- key; at most one more than `max_clicks` of a key, which tells that it is shared. `rank`: 1 click_id, 2 browser,
-- 3 email, 4 phone.
-- IS NOT DISTINCT FROM keeps the search for an earlier identity of the click to the click's: a shop's own e-mail has
-- thousands. OFFSET 0 makes it a look-up for each identity, and keeps identities_by_click from those by a contact: see
-- matching/match_batch.
-- (SELECT %(tenant_id)s) hides the tenant from the planner, which takes one that is newer than its statistics for one row.
CREATE TEMPORARY TABLE {found} ON COMMIT DROP AS
WITH keys AS MATERIALIZED (
    SELECT DISTINCT s.conversion_id, s.after, s.until, k.rank, k.key
    FROM journey_sales s
    CROSS JOIN LATERAL (VALUES
        (1, s.click_key),
        (1, s.matched_click_key),
        (2, s.browser_key),
        (2, s.matched_browser_key),
        (3, s.email_key),
        (4, s.phone_key)
    ) AS k (rank, key)
    WHERE k.key IS NOT NULL AND NOT s.kept
)
SELECT k.conversion_id, k.rank, k.key, c.id AS click_id, c.created_at,
       k.key AS click_key,
       trackai.browser_key(c.fbp) AS browser_key,
       c.utm_source, c.utm_medium, c.utm_campaign, c.utm_content, c.utm_term
FROM keys k
CROSS JOIN LATERAL (
    SELECT c.*
    FROM {clicks} c
    WHERE c.tenant_id = (SELECT %(tenant_id)s)
      AND trackai.key_hash(trackai.click_key(c.fbc, c.fbclid)) = trackai.key_hash(k.key)
      AND (c.fbc IS NULL AND c.fbclid = k.key OR trackai.click_key(c.fbc, c.fbclid) = k.key)
      AND c.created_at > k.after
      AND c.created_at <= k.until
    ORDER BY c.created_at DESC, c.id DESC
    LIMIT %(max_clicks)s + 1
) c
WHERE k.rank = 1
UNION ALL
SELECT k.conversion_id, k.rank, k.key, c.id, c.created_at,
       trackai.click_key(c.fbc, c.fbclid),
       k.key,
       c.utm_source, c.utm_medium, c.utm_campaign, c.utm_content, c.utm_term
FROM keys k
CROSS JOIN LATERAL (
    SELECT c.*
    FROM {clicks} c
    WHERE c.tenant_id = (SELECT %(tenant_id)s)
      AND trackai.key_hash(trackai.browser_key(c.fbp)) = trackai.key_hash(k.key)
      AND (c.fbp = k.key OR trackai.browser_key(c.fbp) = k.key)
      AND c.created_at > k.after
      AND c.created_at <= k.until
    ORDER BY c.created_at DESC, c.id DESC
    LIMIT %(max_clicks)s + 1
) c
WHERE k.rank = 2
UNION ALL
SELECT k.conversion_id, k.rank, k.key, c.id, c.created_at,
       trackai.click_key(c.fbc, c.fbclid),
       trackai.browser_key(c.fbp),
       c.utm_source, c.utm_medium, c.utm_campaign, c.utm_content, c.utm_term
FROM keys k
CROSS JOIN LATERAL (
    SELECT c.*
    FROM (
        SELECT i.tenant_id, i.id, i.click_id
        FROM trackai.identities i
        WHERE i.tenant_id = (SELECT %(tenant_id)s) AND i.email_hash = k.key
        OFFSET 0
    ) i
    JOIN {clicks} c ON c.tenant_id = i.tenant_id AND c.id = i.click_id
    WHERE c.created_at > k.after
      AND c.created_at <= k.until
      AND NOT EXISTS (
          SELECT FROM trackai.identities e
          WHERE e.tenant_id = (SELECT %(tenant_id)s) AND e.click_id = i.click_id AND e.email_hash IS NOT DISTINCT FROM k.key
            AND e.id < i.id
          OFFSET 0
      )
    LIMIT %(max_clicks)s + 1
) c
WHERE k.rank = 3
UNION ALL
SELECT k.conversion_id, k.rank, k.key, c.id, c.created_at,
       trackai.click_key(c.fbc, c.fbclid),
       trackai.browser_key(c.fbp),
       c.utm_source, c.utm_medium, c.utm_campaign, c.utm_content, c.utm_term
FROM keys k
CROSS JOIN LATERAL (
    SELECT c.*
    FROM (
        SELECT i.tenant_id, i.id, i.click_id
        FROM trackai.identities i
        WHERE i.tenant_id = (SELECT %(tenant_id)s) AND i.phone_hash = k.key
        OFFSET 0
    ) i
    JOIN {clicks} c ON c.tenant_id = i.tenant_id AND c.id = i.click_id
    WHERE c.created_at > k.after
      AND c.created_at <= k.until
      AND NOT EXISTS (
          SELECT FROM trackai.identities e
          WHERE e.tenant_id = (SELECT %(tenant_id)s) AND e.click_id = i.click_id AND e.phone_hash IS NOT DISTINCT FROM k.key
            AND e.id < i.id
          OFFSET 0
      )
    LIMIT %(max_clicks)s + 1
) c
WHERE k.rank = 4
