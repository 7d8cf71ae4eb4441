-- Brings the first and the last sale of the buyers in pg_temp.buyer_sales up to date, and the campaign that brought them.
-- That is the campaign of the first sale's matched touch, else of its click; (unmatched) where it has none. It stays as it
-- is once both have left. Buyers whom campaigns/add_buyers has just added complete are left alone. %(first_days)s are the
-- days of first sales (campaigns/first_days).
-- Indexes: buyers' primary key, the primary keys of matched_attributions, conversion_touchpoints and clicks.
UPDATE trackai.buyers b
SET first_conversion_id = f.first_conversion_id,
    first_day = f.first_day,
    last_day = f.last_day,
    acquired_campaign_id = coalesce(f.campaign_id, nullif(b.acquired_campaign_id, '(unmatched)'), '(none)')
FROM (
    SELECT s.tenant_id, s.buyer_id, s.first_conversion_id, s.first_day, s.last_day,
           CASE
               WHEN a.strategy = 'unmatched' THEN '(unmatched)'
               WHEN a.strategy IS NULL THEN coalesce(t.campaign_id, '(unmatched)')
               ELSE coalesce(t.campaign_id, k.campaign_id)
           END AS campaign_id
    FROM (
        -- Tables are joined by this column, because the planner expects few rows of a tenant whose rows are younger than a
        -- table's statistics, and then compares all of them.
        SELECT %(tenant_id)s::text COLLATE "C" AS tenant_id, x.buyer_id, min(x.day) AS first_day, max(x.day) AS last_day,
               min(x.conversion_id) FILTER (WHERE x.sale_number = 1) AS first_conversion_id
        FROM buyer_sales x
        WHERE x.buyer_id IS NOT NULL
        GROUP BY x.buyer_id
        HAVING min(x.day) < %(day)s OR count(x.stored_id) > 0
    ) s
    LEFT JOIN trackai.matched_attributions a
        ON a.tenant_id = s.tenant_id AND a.conversion_id = s.first_conversion_id
    -- Only these days' partitions are planned.
    LEFT JOIN trackai.conversion_touchpoints t
        ON t.tenant_id = s.tenant_id AND t.conversion_id = s.first_conversion_id AND t.day = s.first_day
       AND t.day = ANY(%(first_days)s::date[]) AND t.credit_matched = 1
    -- Where a touch says it, no click is read.
    LEFT JOIN trackai.click_campaigns k
        ON k.tenant_id = s.tenant_id AND k.click_id = CASE WHEN t.campaign_id IS NULL THEN a.click_id END
) f
WHERE b.tenant_id = f.tenant_id AND b.buyer_id = f.buyer_id
  AND (b.first_conversion_id, b.first_day, b.last_day, b.acquired_campaign_id)
      IS DISTINCT FROM (
          f.first_conversion_id, f.first_day, f.last_day,
          coalesce(f.campaign_id, nullif(b.acquired_campaign_id, '(unmatched)'), '(none)')
      )
