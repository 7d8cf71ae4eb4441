-- Collects the matched sales of the 90 UTC days of a tenant that end with the newest computed one into pg_temp.day_sales.
-- `again` is whether the buyer bought again within 30 days, NULL where these have not passed or the buyer is unknown.
-- Indexes: campaign_analytics_daily_by_date, the days' partitions of conversion_touchpoints, the primary keys of
-- conversions, conversion_buyers and clicks, conversion_buyers_by_buyer.
CREATE TEMPORARY TABLE day_sales ON COMMIT DROP AS
SELECT t.conversion_id, t.campaign_id, t.channel, coalesce(trackai.trimmed(k.utm_source), '(none)') AS source, c.gateway,
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
JOIN trackai.conversions c ON c.tenant_id = t.tenant_id AND c.id = t.conversion_id
LEFT JOIN trackai.conversion_buyers b ON b.tenant_id = t.tenant_id AND b.conversion_id = t.conversion_id
LEFT JOIN trackai.clicks k ON k.tenant_id = t.tenant_id AND k.id = t.click_id
