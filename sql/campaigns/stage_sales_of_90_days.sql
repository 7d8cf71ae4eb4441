-- Collects the matched sales of the 90 UTC days of a tenant that end with the newest computed one into pg_temp.day_sales.
-- `again` is whether the buyer bought again within 30 days, NULL where these have not passed or the buyer is unknown.
-- Indexes: campaign_analytics_daily_by_date, the days' partitions of conversion_touchpoints, the primary keys of
-- conversions, conversion_buyers and clicks, conversion_buyers_by_buyer.
-- Rows are looked up one by one by their keys, whatever the planner expects: joined, a tenant whose rows are younger than a
-- table's statistics has all of them compared with each other.
CREATE TEMPORARY TABLE day_sales ON COMMIT DROP AS
SELECT t.conversion_id, t.campaign_id, t.channel::text COLLATE "C" AS channel,
       coalesce(trackai.trimmed(k.utm_source), '(none)') AS source, c.gateway,
       c.occurred_at, b.buyer_id, b.sale_number,
       CASE WHEN b.buyer_id IS NOT NULL AND t.day + 31 <= %(today)s::date THEN
           EXISTS (
               SELECT
               FROM trackai.conversion_buyers n
               JOIN trackai.conversions o ON o.tenant_id = n.tenant_id AND o.id = n.conversion_id
               WHERE n.tenant_id = %(tenant_id)s AND n.buyer_id = b.buyer_id AND n.sale_number = b.sale_number + 1
                 AND o.occurred_at <= c.occurred_at + interval '720 hours'
           )
       END AS again
FROM (
    SELECT max(d.date) AS last_day FROM trackai.campaign_analytics_daily d WHERE d.tenant_id = %(tenant_id)s
) w
JOIN trackai.conversion_touchpoints t
    ON t.tenant_id = %(tenant_id)s AND t.day BETWEEN w.last_day - 89 AND w.last_day AND t.credit_matched = 1
CROSS JOIN LATERAL (
    SELECT x.gateway, x.occurred_at
    FROM trackai.conversions x
    WHERE x.tenant_id = t.tenant_id AND x.id = t.conversion_id
    LIMIT 1
) c
LEFT JOIN LATERAL (
    SELECT x.buyer_id, x.sale_number
    FROM trackai.conversion_buyers x
    WHERE x.tenant_id = t.tenant_id AND x.conversion_id = t.conversion_id
    LIMIT 1
) b ON true
LEFT JOIN LATERAL (
    SELECT x.utm_source FROM trackai.clicks x WHERE x.tenant_id = t.tenant_id AND x.id = t.click_id LIMIT 1
) k ON true
