-- The UTC days of a tenant before %(before)s with another sale of a buyer whose sale was decided after they were computed:
-- a later sale may have another number, and who bought up to 30 days earlier has bought again.
-- Indexes: matched_attributions_by_strategy from %(since)s on, the primary keys of conversions and conversion_buyers,
-- buyers_by_key, conversion_buyers_by_buyer, campaign_analytics_daily_by_date.
-- (SELECT %(tenant_id)s) hides the tenant from the planner, which takes one that is newer than its statistics for one row.
WITH late AS MATERIALIZED (
    SELECT (c.occurred_at AT TIME ZONE 'UTC')::date AS day, a.matched_at, s.buyer_id,
           CASE WHEN s.buyer_id IS NULL THEN trackai.buyer_key(
               a.tenant_id, trackai.buyer_contact(c.customer_email_hash, c.customer_phone_hash)
           ) END AS buyer_key
    FROM trackai.matched_attributions a
    JOIN trackai.conversions c ON c.tenant_id = a.tenant_id AND c.id = a.conversion_id
    LEFT JOIN trackai.conversion_buyers s ON s.tenant_id = a.tenant_id AND s.conversion_id = a.conversion_id
    WHERE a.tenant_id = (SELECT %(tenant_id)s) AND a.strategy IN ('fbc', 'fbp', 'email', 'unmatched')
      AND a.matched_at > %(since)s
),
theirs AS (
    SELECT l.day, l.matched_at, l.buyer_id FROM late l WHERE l.buyer_id IS NOT NULL
    UNION ALL
    SELECT l.day, l.matched_at, b.buyer_id
    FROM late l
    JOIN trackai.buyers b ON b.tenant_id = (SELECT %(tenant_id)s) AND b.buyer_key = l.buyer_key
)
SELECT x.day
FROM (
    SELECT o.day, max(t.matched_at) AS matched_at
    FROM theirs t
    JOIN trackai.conversion_buyers o ON o.tenant_id = (SELECT %(tenant_id)s) AND o.buyer_id = t.buyer_id
    WHERE o.day < %(before)s
      AND (o.day > t.day OR (o.day BETWEEN t.day - 30 AND t.day - 1 AND o.day + 31 <= %(today)s::date))
    GROUP BY o.day
) x
CROSS JOIN LATERAL (
    SELECT min(d.computed_at) AS computed_at
    FROM trackai.campaign_analytics_daily d
    WHERE d.tenant_id = (SELECT %(tenant_id)s) AND d.date = x.day
) k
WHERE x.matched_at > k.computed_at - %(margin)s
