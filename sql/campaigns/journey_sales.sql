-- Collects the matched sales of a tenant's UTC day, with the keys that may lead to their touches and the click that each
-- is matched with. It is a table of its own, as every step of the journeys: in one statement the planner would not know
-- how few rows each step leaves, and loop.
-- Indexes: conversions_by_day (the primary key for one sale), and the primary keys of matched_attributions, clicks,
-- matching_settings, conversion_journeys and conversion_touchpoints.
-- Guarantees: every conversion of the day whose attribution is not unmatched, once. `kept` is a journey that stays as it
-- is, because the facts that it hangs on have left: contact hashes, or a day of clicks in its window; with `keep` = none
-- no journey is, with all every one.
-- A matched click that was deleted leaves its columns NULL. A key that is missing or malformed is NULL, and so are
-- contact hashes of sales that are not matched by e-mail. Window and e-mail matching are those of the sale's moment, as
-- in matching.
-- (SELECT %(tenant_id)s) hides the tenant from the planner, which takes one that is newer than its statistics for one row.
CREATE TEMPORARY TABLE journey_sales ON COMMIT DROP AS
SELECT s.*,
       m.id AS click_id,
       m.created_at AS clicked_at,
       trackai.click_key(m.fbc, m.fbclid) AS matched_click_key,
       trackai.browser_key(m.fbp) AS matched_browser_key,
       m.utm_source, m.utm_medium, m.utm_campaign, m.utm_content, m.utm_term,
       %(keep)s <> 'none' AND s.shared_keys IS NOT NULL AND (
           %(keep)s = 'all'
           OR s.anonymised_at IS NOT NULL
           OR EXISTS (
               SELECT FROM trackai.archives h
               WHERE h.table_name = 'clicks' AND h.state = 'dropped'
                 AND h.day BETWEEN (s.after AT TIME ZONE 'UTC')::date AND (s.until AT TIME ZONE 'UTC')::date
           )
       ) AND EXISTS (
           SELECT FROM trackai.conversion_touchpoints p
           WHERE p.tenant_id = (SELECT %(tenant_id)s) AND p.conversion_id = s.conversion_id AND p.day = %(day)s
       ) AS kept
FROM (
    SELECT c.id AS conversion_id,
           c.occurred_at,
           c.anonymised_at,
           c.occurred_at
               - coalesce(%(journey_days)s, t.journey_days, g.lookback_days) * interval '24 hours' AS after,
           c.occurred_at + interval '5 minutes' AS until,
           trackai.click_key(c.fbc, c.fbclid) AS click_key,
           trackai.browser_key(c.fbp) AS browser_key,
           CASE WHEN g.email_matching THEN trackai.contact_hash(c.customer_email_hash) END AS email_key,
           CASE WHEN g.email_matching THEN trackai.contact_hash(c.customer_phone_hash) END AS phone_key,
           -- An archived click leaves the attribution, and is found again where archives are read, too.
           coalesce(a.click_id, (
               SELECT p.click_id FROM trackai.conversion_touchpoints p
               WHERE p.tenant_id = a.tenant_id AND p.conversion_id = a.conversion_id AND p.day = %(day)s
                 AND p.credit_matched = 1
               LIMIT 1
           )) AS matched_id,
           j.shared_keys,
           j.truncated
    FROM trackai.tenants t
    JOIN trackai.conversions c ON c.tenant_id = t.id
    JOIN trackai.matched_attributions a
        ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id AND a.strategy <> 'unmatched'
    JOIN trackai.matching_settings g
        ON g.tenant_id = c.tenant_id AND g.effective_from <= c.occurred_at AND c.occurred_at < g.effective_to
    LEFT JOIN trackai.conversion_journeys j ON j.tenant_id = c.tenant_id AND j.conversion_id = c.id
    WHERE t.id = (SELECT %(tenant_id)s)
      AND c.tenant_id = (SELECT %(tenant_id)s)
      AND c.occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
      AND c.occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
      AND (%(conversion_id)s::bigint IS NULL OR c.id = %(conversion_id)s::bigint)
) s
LEFT JOIN {clicks} m ON m.tenant_id = (SELECT %(tenant_id)s) AND m.id = s.matched_id
