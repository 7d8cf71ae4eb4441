-- Finds the clicks that the browsers of the clicks of the first round lead to. There is no third round: following keys
-- to their end is what merges households, agencies and test devices.
-- Index: clicks_by_browser_key.
-- Guarantees: only clicks that a key led to which is not shared lead on, and no browser is followed twice; else those of
-- the first round.
CREATE TEMPORARY TABLE {found} ON COMMIT DROP AS
WITH keys AS MATERIALIZED (
    SELECT DISTINCT f.conversion_id, s.after, s.until, f.browser_key AS key
    FROM {first_found} f
    JOIN {first_keys} k ON k.conversion_id = f.conversion_id AND k.rank = f.rank AND k.key = f.key
    JOIN journey_sales s ON s.conversion_id = f.conversion_id
    WHERE k.why IS NULL
      AND f.rank <> 2
      AND f.browser_key IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM {first_keys} n
          WHERE n.conversion_id = f.conversion_id AND n.rank = 2 AND n.key = f.browser_key
      )
)
SELECT k.conversion_id, 2 AS rank, k.key, c.id AS click_id, c.created_at,
       trackai.click_key(c.fbc, c.fbclid) AS click_key,
       k.key AS browser_key,
       c.utm_source, c.utm_medium, c.utm_campaign, c.utm_content, c.utm_term
FROM keys k
CROSS JOIN LATERAL (
    SELECT c.*
    FROM {clicks} c
    WHERE c.tenant_id = %(tenant_id)s
      AND trackai.key_hash(trackai.browser_key(c.fbp)) = trackai.key_hash(k.key)
      AND (c.fbp = k.key OR trackai.browser_key(c.fbp) = k.key)
      AND c.created_at > k.after
      AND c.created_at <= k.until
    ORDER BY c.created_at DESC, c.id DESC
    LIMIT %(max_clicks)s + 1
) c
