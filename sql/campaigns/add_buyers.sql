-- Adds the buyers of pg_temp.buyer_sales that are not stored yet, and notes their numbers there.
-- Guarantees: one buyer for a first sale. campaigns/update_buyers says who brought them.
WITH added AS (
    INSERT INTO trackai.buyers (tenant_id, first_conversion_id, first_day, acquired_campaign_id, last_day)
    SELECT %(tenant_id)s, min(s.conversion_id) FILTER (WHERE s.sale_number = 1), min(s.day), '(unmatched)', max(s.day)
    FROM buyer_sales s
    WHERE s.buyer_id IS NULL AND s.bought_on_day
    GROUP BY s.person, s.spell
    RETURNING buyer_id, first_conversion_id
)
UPDATE buyer_sales s SET buyer_id = a.buyer_id
FROM added a
JOIN buyer_sales f ON f.conversion_id = a.first_conversion_id
WHERE s.person = f.person AND s.spell = f.spell
