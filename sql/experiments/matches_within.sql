-- Whether the sales of a tenant that are decided would have been matched with a click under a lookback of %(lookback_days)s
-- days, by the rules of matching: whether a click with one of the sale's keys lies in (sale - lookback, sale + 5 minutes].
-- By e-mail where the tenant matched by e-mail then; a sale that has lost its hash keeps the click that e-mail found.
-- Clicks that were deleted or have left for the archive are not found.
-- Indexes: none is needed, as in outcomes.
WITH sales AS MATERIALIZED (
    SELECT c.tenant_id, c.id, c.occurred_at - %(lookback_days)s * interval '24 hours' AS after,
           c.occurred_at + interval '5 minutes' AS until, trackai.click_key(c.fbc, c.fbclid) AS click_key,
           trackai.browser_key(c.fbp) AS browser_key,
           CASE WHEN s.email_matching THEN trackai.contact_hash(c.customer_email_hash) END AS email_hash,
           CASE WHEN a.strategy = 'email' AND c.customer_email_hash IS NULL THEN a.click_id END AS click_id, a.matched_at
    FROM trackai.conversions c
    JOIN trackai.matched_attributions a ON a.tenant_id = %(tenant_id)s AND a.conversion_id = c.id
    LEFT JOIN trackai.matching_settings s
        ON s.tenant_id = c.tenant_id AND s.effective_from <= c.occurred_at AND c.occurred_at < s.effective_to
    WHERE c.tenant_id = %(tenant_id)s AND c.occurred_at >= %(sales_from)s AND c.occurred_at < %(sales_until)s
),
clicks AS MATERIALIZED (
    SELECT k.id, k.created_at, trackai.click_key(k.fbc, k.fbclid) AS click_key, trackai.browser_key(k.fbp) AS browser_key
    FROM trackai.clicks k
    WHERE k.tenant_id = %(tenant_id)s AND k.created_at < %(sales_until)s::timestamptz + interval '5 minutes'
      AND k.created_at > %(sales_from)s::timestamptz - %(lookback_days)s * interval '24 hours'
),
clicked AS (
    SELECT s.id FROM sales s JOIN clicks k ON k.click_key = s.click_key
    WHERE k.created_at > s.after AND k.created_at <= s.until
    UNION
    SELECT s.id FROM sales s JOIN clicks k ON k.browser_key = s.browser_key
    WHERE k.created_at > s.after AND k.created_at <= s.until
    UNION
    SELECT s.id
    FROM sales s
    JOIN trackai.identities i ON i.tenant_id = %(tenant_id)s AND i.email_hash = s.email_hash
    JOIN clicks k ON k.id = i.click_id
    WHERE k.created_at > s.after AND k.created_at <= s.until
    UNION
    SELECT s.id FROM sales s JOIN clicks k ON k.id = s.click_id
    WHERE k.created_at > s.after AND k.created_at <= s.until
)
SELECT s.tenant_id, s.id AS conversion_id, CASE WHEN k.id IS NULL THEN 'unmatched' ELSE 'click' END AS strategy,
       s.matched_at
FROM sales s
LEFT JOIN clicked k ON k.id = s.id
