-- The sales before the UTC day %(sold_before)s of each campaign's clicks in pg_temp.window_clicks, by currency and
-- utm_content: how many, their value and the sum of its squares, which are exact; and their ranks by value among the
-- campaign's in this currency, where equal ones share the mean of theirs, with the sum of t^2 - 1 for t equal ones.
-- Indexes: matched_attributions_by_click, conversions' primary key.
-- (SELECT %(tenant_id)s) hides the tenant from the planner, which takes one that is newer than its statistics for one row.
SELECT o.campaign_id, o.currency, o.content,
       count(*) AS orders, sum(o.value) AS value, sum(o.value * o.value) AS squares,
       sum(o.smaller + (o.same + 1) / 2.0) AS ranks, sum(o.same * o.same - 1) AS ties
FROM (
    SELECT w.campaign_id, s.currency, w.content, s.value,
           rank() OVER (PARTITION BY w.campaign_id, s.currency ORDER BY s.value) - 1 AS smaller,
           count(*) OVER (PARTITION BY w.campaign_id, s.currency, s.value) AS same
    FROM window_clicks w
    JOIN trackai.matched_attributions a ON a.tenant_id = (SELECT %(tenant_id)s) AND a.click_id = w.click_id
    JOIN trackai.conversions s ON s.tenant_id = a.tenant_id AND s.id = a.conversion_id
    WHERE w.sold
      AND s.value IS NOT NULL
      AND s.occurred_at < %(sold_before)s::date::timestamp AT TIME ZONE 'UTC'
) o
GROUP BY o.campaign_id, o.currency, o.content
