-- Judges each key of each sale by the clicks that it leads to: `why` it is shared by too many to be followed, or NULL.
-- Indexes: matched_attributions_by_click, identities_by_click and the primary key of conversions.
-- Guarantees: counted within the sale's window. Buyers of a key are the distinct e-mail hashes of the conversions up to
-- the sale that are matched to its clicks, and of the identities linked to its clicks up to 5 minutes after the sale;
-- they are only counted where they decide. A missing browser is none.
-- (SELECT %(tenant_id)s) hides the tenant from the planner, which takes one that is newer than its statistics for one row.
CREATE TEMPORARY TABLE {keys} ON COMMIT DROP AS
SELECT k.conversion_id, k.rank, k.key, k.clicks,
       CASE
           WHEN k.clicks > %(max_clicks)s THEN 'clicks'
           WHEN k.rank = 1 AND k.browsers > %(max_browsers_of_a_click_id)s THEN 'browsers'
           WHEN k.rank >= 3 AND k.browsers > %(max_browsers_of_a_contact)s THEN 'browsers'
           WHEN k.rank IN (2, 4) AND k.clicks >= 2 AND (
               SELECT count(DISTINCT b.email)
               FROM unnest(k.click_ids) AS of_key (click_id)
               CROSS JOIN LATERAL (
                   SELECT trackai.contact_hash(c.customer_email_hash) AS email
                   FROM trackai.matched_attributions a
                   JOIN trackai.conversions c ON c.tenant_id = a.tenant_id AND c.id = a.conversion_id
                   WHERE a.tenant_id = (SELECT %(tenant_id)s)
                     AND a.click_id = of_key.click_id
                     AND c.occurred_at <= s.occurred_at
                   UNION ALL
                   SELECT trackai.contact_hash(i.email_hash)
                   FROM trackai.identities i
                   WHERE i.tenant_id = (SELECT %(tenant_id)s) AND i.click_id = of_key.click_id AND i.created_at <= s.until
               ) b
           ) > %(max_buyers_of_a_browser)s THEN 'buyers'
       END AS why
FROM (
    SELECT f.conversion_id, f.rank, f.key,
           count(*) AS clicks,
           count(DISTINCT f.browser_key) AS browsers,
           array_agg(f.click_id) AS click_ids
    FROM {found} f
    GROUP BY f.conversion_id, f.rank, f.key
) k
JOIN journey_sales s ON s.conversion_id = k.conversion_id
