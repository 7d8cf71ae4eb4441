-- Compares the spend in campaign_daily_money of the UTC days %(from_day)s to %(to_day)s with the costs that count; a row for
-- each tenant, day, campaign and currency that differs. Stale where a cost was stated, an alias made, a campaign named or
-- an account's time zone corrected after the day was computed, or it never was.
-- Indexes: ad_cost_statements' unique key and ad_cost_statements_by_arrival, campaigns_by_naming, campaign_daily_money's
-- primary key.
WITH counted AS (
    SELECT v.tenant_id, v.date, v.campaign_id, v.currency, sum(v.spend) AS spend
    FROM trackai.v_counted_ad_costs v
    WHERE v.day BETWEEN %(from_day)s::date - 1 AND %(to_day)s::date + 1
      AND v.date BETWEEN %(from_day)s AND %(to_day)s
    GROUP BY v.tenant_id, v.date, v.campaign_id, v.currency
),
differences AS (
    SELECT coalesce(c.tenant_id, m.tenant_id) AS tenant_id, coalesce(c.date, m.date) AS day,
           coalesce(c.campaign_id, m.campaign_id) AS campaign_id, coalesce(c.currency, m.currency) AS currency,
           m.spend AS found, c.spend AS expected
    FROM counted c
    FULL JOIN (
        SELECT x.*
        FROM trackai.campaign_daily_money x
        WHERE x.date BETWEEN %(from_day)s AND %(to_day)s AND x.spend IS NOT NULL
    ) m ON m.tenant_id = c.tenant_id AND m.date = c.date AND m.campaign_id = c.campaign_id AND m.currency = c.currency
    WHERE c.spend IS DISTINCT FROM m.spend
)
SELECT t.slug AS tenant, d.day, 'spend of ' || d.campaign_id AS figure, d.currency, 0 AS found, 0 AS expected,
       coalesce(d.found, 0) AS found_revenue, coalesce(d.expected, 0) AS expected_revenue,
       k.computed_at IS NULL
       OR EXISTS (
           SELECT FROM trackai.ad_cost_statements s
           WHERE s.tenant_id = d.tenant_id AND s.day BETWEEN d.day - 1 AND d.day + 1 AND s.ingested_at > k.computed_at
       )
       OR EXISTS (
           SELECT FROM trackai.campaign_aliases a WHERE a.tenant_id = d.tenant_id AND a.created_at > k.computed_at
       )
       OR EXISTS (
           SELECT FROM trackai.campaigns n WHERE n.tenant_id = d.tenant_id AND n.named_at > k.computed_at
       )
       OR EXISTS (
           SELECT FROM trackai.ad_accounts z WHERE z.tenant_id = d.tenant_id AND z.time_zone_changed_at > k.computed_at
       ) AS stale
FROM differences d
JOIN trackai.tenants t ON t.id = d.tenant_id
CROSS JOIN LATERAL (
    SELECT min(a.computed_at) AS computed_at
    FROM trackai.campaign_analytics_daily a
    WHERE a.tenant_id = d.tenant_id AND a.date = d.day
) k
ORDER BY stale, t.slug, d.day, d.campaign_id, d.currency
