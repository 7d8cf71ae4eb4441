-- The sales before the UTC day %(sold_before)s of each campaign's clicks in pg_temp.window_clicks, by currency and
-- utm_content: how many, their value and the sum of its squares, which are exact.
-- Indexes: matched_attributions_by_click, conversions' primary key.
SELECT w.campaign_id, s.currency, w.content,
       count(*) AS orders, sum(s.value) AS value, sum(s.value * s.value) AS squares
FROM window_clicks w
JOIN trackai.matched_attributions a ON a.tenant_id = %(tenant_id)s AND a.click_id = w.click_id
JOIN trackai.conversions s ON s.tenant_id = a.tenant_id AND s.id = a.conversion_id
WHERE w.sold
  AND s.value IS NOT NULL
  AND s.occurred_at < %(sold_before)s::date::timestamp AT TIME ZONE 'UTC'
GROUP BY w.campaign_id, s.currency, w.content
