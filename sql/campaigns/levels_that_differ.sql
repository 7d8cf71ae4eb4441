-- The campaigns and days of a tenant from %(from_day)s to %(to_day)s whose finer rows add up to something else than the rows
-- that count, by more than one per cent. An ad set's or ad's hours stand for its day where it has no row of the day.
-- Index: the unique key of ad_cost_statements.
WITH units AS (
    SELECT c.day, c.source, c.account_id, c.campaign_id,
           CASE WHEN c.ad_id <> '' THEN 'ads' WHEN c.adset_id <> '' THEN 'ad sets' ELSE 'campaign' END AS level,
           CASE WHEN c.ad_id <> '' THEN 3 WHEN c.adset_id <> '' THEN 2 ELSE 1 END AS rank,
           coalesce(
               sum(c.spend) FILTER (WHERE c.hour < 0), sum(c.spend) FILTER (WHERE c.hour >= 0)
           ) AS spend
    FROM trackai.ad_costs c
    WHERE c.tenant_id = %(tenant_id)s AND c.day BETWEEN %(from_day)s AND %(to_day)s
    GROUP BY c.day, c.source, c.account_id, c.campaign_id, c.adset_id, c.ad_id
), levels AS (
    SELECT u.day, u.source, u.account_id, u.campaign_id, u.level, u.rank, sum(u.spend) AS spend,
           min(u.rank) OVER (PARTITION BY u.day, u.source, u.account_id, u.campaign_id) AS counted_rank
    FROM units u
    GROUP BY u.day, u.source, u.account_id, u.campaign_id, u.level, u.rank
)
SELECT c.day, c.source, c.campaign_id, c.level AS counted_level, c.spend AS counted, f.level, f.spend
FROM levels c
JOIN levels f
    ON f.day = c.day AND f.source = c.source AND f.account_id = c.account_id AND f.campaign_id = c.campaign_id
   AND f.rank > c.rank
WHERE c.rank = c.counted_rank AND abs(f.spend - c.spend) > 0.01 * c.spend
ORDER BY c.day, c.source, c.campaign_id, f.rank
