-- Brings the first and the last sale of the buyers in pg_temp.buyer_sales up to date, and the campaign that brought them.
-- That is the campaign of the first sale's matched touch, else of its click; (unmatched) where it has none. It stays as it
-- is once both have left.
-- Indexes: buyers' primary key, the primary keys of matched_attributions, conversion_touchpoints and clicks.
UPDATE trackai.buyers b
SET first_conversion_id = f.first_conversion_id,
    first_day = f.first_day,
    last_day = f.last_day,
    acquired_campaign_id = f.campaign_id
FROM (
    SELECT s.tenant_id, s.buyer_id, s.first_conversion_id, s.first_day, s.last_day,
           CASE
               WHEN a.strategy = 'unmatched' THEN '(unmatched)'
               WHEN a.strategy IS NULL THEN coalesce(t.campaign_id, '(unmatched)')
               ELSE coalesce(t.campaign_id, k.campaign_id, nullif(o.acquired_campaign_id, '(unmatched)'), '(none)')
           END AS campaign_id
    FROM (
        -- Tables are joined by this column, because the planner expects few rows of a tenant whose rows are younger than a
        -- table's statistics, and then compares all of them.
        SELECT %(tenant_id)s::text COLLATE "C" AS tenant_id, x.buyer_id, min(x.day) AS first_day, max(x.day) AS last_day,
               min(x.conversion_id) FILTER (WHERE x.sale_number = 1) AS first_conversion_id
        FROM buyer_sales x
        WHERE x.buyer_id IS NOT NULL
        GROUP BY x.buyer_id
    ) s
    JOIN trackai.buyers o ON o.tenant_id = s.tenant_id AND o.buyer_id = s.buyer_id
    LEFT JOIN trackai.matched_attributions a
        ON a.tenant_id = s.tenant_id AND a.conversion_id = s.first_conversion_id
    LEFT JOIN trackai.conversion_touchpoints t
        ON t.tenant_id = s.tenant_id AND t.conversion_id = s.first_conversion_id AND t.day = s.first_day
       AND t.credit_matched = 1
    LEFT JOIN trackai.click_campaigns k ON k.tenant_id = s.tenant_id AND k.click_id = a.click_id
) f
WHERE b.tenant_id = f.tenant_id AND b.buyer_id = f.buyer_id
  AND (b.first_conversion_id, b.first_day, b.last_day, b.acquired_campaign_id)
      IS DISTINCT FROM (f.first_conversion_id, f.first_day, f.last_day, f.campaign_id)
