-- Adds the buyers of pg_temp.buyer_sales that are not stored yet, and notes their numbers there. Each is complete where the
-- first sale is of the UTC day: writing it once is a third of the work. Else campaigns/update_buyers says who brought them.
-- Index: the primary key of the day's partition of conversion_touchpoints.
-- Guarantees: one buyer for a first sale, remembered like those that campaigns/remember_buyers remembers.
WITH added AS (
    INSERT INTO trackai.buyers (tenant_id, buyer_key, first_conversion_id, first_day, acquired_campaign_id, last_day)
    SELECT t.id, CASE WHEN n.newest AND n.last_day >= %(today)s::date - t.buyer_memory_days THEN n.buyer_key END,
           n.first_conversion_id, n.first_day, coalesce(m.campaign_id, '(unmatched)'), n.last_day
    FROM (
        SELECT min(s.conversion_id) FILTER (WHERE s.sale_number = 1) AS first_conversion_id, min(s.day) AS first_day,
               max(s.day) AS last_day, min(s.buyer_key) AS buyer_key, bool_or(s.newest) AS newest
        FROM buyer_sales s
        WHERE s.buyer_id IS NULL AND s.bought_on_day
        GROUP BY s.person, s.spell
    ) n
    JOIN trackai.tenants t ON t.id = %(tenant_id)s
    LEFT JOIN LATERAL (
        SELECT x.campaign_id
        FROM trackai.conversion_touchpoints x
        WHERE x.tenant_id = t.id AND x.conversion_id = n.first_conversion_id AND x.day = %(day)s
          AND x.credit_matched = 1
        LIMIT 1
    ) m ON true
    RETURNING buyer_id, first_conversion_id
)
UPDATE buyer_sales s SET buyer_id = a.buyer_id
FROM added a
JOIN buyer_sales f ON f.conversion_id = a.first_conversion_id
WHERE s.person = f.person AND s.spell = f.spell
