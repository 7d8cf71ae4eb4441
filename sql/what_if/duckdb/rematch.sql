-- Decides the conversions again, for DuckDB: with another lookback window or e-mail matching where one is given, else
-- with those of the sale's moment.
-- Whether a strategy hits depends on whether a click of the tenant with the same key lies in (sale - lookback, sale + 5
-- minutes]; which of several wins does not matter to a rate.
-- E-mail: by the conversion's hash while that is there; once it is anonymised, by the click that the log names.
-- Guarantees: an undecided conversion stays undecided.
CREATE OR REPLACE TABLE decided AS
WITH windows AS (
    SELECT tenant_id, id, click_key, browser_key, email_hash, has_lost_email,
           coalesce($email_matching, email_matching) AS email_matching,
           occurred_at - to_hours(24 * coalesce($lookback_days, lookback_days)) AS after,
           occurred_at + INTERVAL 5 MINUTE AS until
    FROM conversions
),
keyed AS (
    SELECT tenant_id, id, created_at, click_key(fbc, fbclid) AS click_key, browser_key(fbp) AS browser_key FROM clicks
),
by_fbc AS (
    SELECT DISTINCT w.tenant_id, w.id
    FROM windows w
    JOIN keyed k ON k.tenant_id = w.tenant_id AND k.click_key = w.click_key
    WHERE k.created_at > w.after AND k.created_at <= w.until
),
by_fbp AS (
    SELECT DISTINCT w.tenant_id, w.id
    FROM windows w
    JOIN keyed k ON k.tenant_id = w.tenant_id AND k.browser_key = w.browser_key
    WHERE k.created_at > w.after AND k.created_at <= w.until
),
emails AS (
    SELECT w.tenant_id, w.id, i.click_id, w.after, w.until
    FROM windows w
    JOIN identities i ON i.tenant_id = w.tenant_id AND i.email_hash = w.email_hash
    WHERE w.email_matching
    UNION ALL
    SELECT w.tenant_id, w.id, d.click_id, w.after, w.until
    FROM windows w
    JOIN decided d ON d.tenant_id = w.tenant_id AND d.conversion_id = w.id
    WHERE w.email_matching AND w.has_lost_email AND d.strategy = 'email'
),
by_email AS (
    SELECT DISTINCT e.tenant_id, e.id
    FROM emails e
    JOIN keyed k ON k.tenant_id = e.tenant_id AND k.id = e.click_id
    WHERE k.created_at > e.after AND k.created_at <= e.until
)
SELECT d.tenant_id,
       d.conversion_id,
       CASE
           WHEN f.id IS NOT NULL THEN 'fbc'
           WHEN p.id IS NOT NULL THEN 'fbp'
           WHEN e.id IS NOT NULL THEN 'email'
           ELSE 'unmatched'
       END AS strategy,
       d.click_id,
       NULL::TIMESTAMPTZ AS matched_at
FROM decided d
LEFT JOIN by_fbc f ON f.tenant_id = d.tenant_id AND f.id = d.conversion_id
LEFT JOIN by_fbp p ON p.tenant_id = d.tenant_id AND p.id = d.conversion_id
LEFT JOIN by_email e ON e.tenant_id = d.tenant_id AND e.id = d.conversion_id
