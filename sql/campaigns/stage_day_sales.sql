-- Collects the matched sales of a tenant's UTC day, each with its matched touch, its buyer and its value in the reporting
-- currency, into pg_temp.day_sales.
-- Indexes: the day's partition of conversion_touchpoints; the primary keys of conversions and clicks.
-- Guarantees: a sale is there once, because one of its touches is matched. `converted` is NULL where there is no rate, and
-- for a sale without a value. The buyer is as campaigns/stage_buyer_sales found it, and so is `again_at`, the next sale.
-- Rows are looked up one by one by their keys, whatever the planner expects: joined, a tenant whose rows are younger than a
-- table's statistics has all of them compared with each other.
CREATE TEMPORARY TABLE day_sales ON COMMIT DROP AS
SELECT t.conversion_id,
       t.campaign_id,
       t.channel::text COLLATE "C" AS channel,
       coalesce(trackai.trimmed(k.utm_source), '(none)') AS source,
       c.gateway,
       c.occurred_at,
       date_trunc('hour', c.occurred_at, 'UTC') AS hour,
       coalesce(c.currency::text, 'XXX') COLLATE "C" AS currency,
       c.value IS NOT NULL AS has_value,
       coalesce(c.value, 0) AS value,
       round(c.value * r.times / r.per, 4) AS converted,
       s.buyer_id,
       s.sale_number,
       s.again_at
FROM trackai.conversion_touchpoints t
CROSS JOIN LATERAL (
    SELECT x.gateway, x.occurred_at, x.currency, x.value
    FROM trackai.conversions x
    WHERE x.tenant_id = t.tenant_id AND x.id = t.conversion_id
    LIMIT 1
) c
LEFT JOIN buyer_sales s ON s.conversion_id = t.conversion_id
LEFT JOIN LATERAL (
    SELECT x.utm_source FROM trackai.clicks x WHERE x.tenant_id = t.tenant_id AND x.id = t.click_id LIMIT 1
) k ON true
LEFT JOIN day_rates r ON r.currency::text = c.currency::text
WHERE t.tenant_id = %(tenant_id)s AND t.day = %(day)s AND t.credit_matched = 1
