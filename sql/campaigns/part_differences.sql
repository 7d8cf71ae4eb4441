-- Compares the parts of campaign_analytics_daily of the UTC days %(from_day)s to %(to_day)s with the whole; a row for each
-- tenant, day, campaign and part that differs: customers, the day in campaign_trend_data, its hours, its week (by Monday),
-- and each family of segments. An unknown amount is compared with nothing. Parts are written with the whole, so no row is
-- stale.
-- Indexes: campaign_analytics_daily_by_date, campaign_trend_data_by_period, campaign_analytics_segments_by_date.
WITH whole AS MATERIALIZED (
    SELECT a.tenant_id, a.date AS day, a.campaign_id, a.clicks, a.conversions, a.revenue, a.spend, a.impressions,
           a.currency, a.cost_basis, a.new_customers, a.returning_customers, a.unknown_customers
    FROM trackai.campaign_analytics_daily a
    WHERE a.date BETWEEN %(from_day)s AND %(to_day)s
),
trend AS MATERIALIZED (
    SELECT p.tenant_id, (p.period AT TIME ZONE 'UTC')::date AS day, p.campaign_id, p.granularity, p.clicks, p.conversions,
           p.revenue, p.spend, p.views, p.currency
    FROM trackai.campaign_trend_data p
    WHERE p.period >= (%(from_day)s::date - 6)::timestamp AT TIME ZONE 'UTC'
      AND p.period < (%(to_day)s::date + 7)::timestamp AT TIME ZONE 'UTC'
),
hours AS (
    SELECT h.tenant_id, h.day, h.campaign_id, sum(h.clicks) AS clicks, sum(h.conversions) AS conversions,
           CASE WHEN bool_and(h.revenue IS NOT NULL) THEN sum(h.revenue) END AS revenue,
           CASE WHEN bool_and(h.spend IS NOT NULL) THEN sum(h.spend) END AS spend,
           sum(h.views) AS views
    FROM trend h
    WHERE h.granularity = 'hourly'
    GROUP BY h.tenant_id, h.day, h.campaign_id
),
segments AS (
    SELECT s.tenant_id, s.date AS day, s.campaign_id, f.family, sum(s.conversions) AS conversions,
           CASE WHEN bool_and(s.revenue IS NOT NULL) THEN sum(s.revenue) END AS revenue
    FROM trackai.campaign_analytics_segments s
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN s.segment_name IN ('new_users', 'returning_users', 'unknown_users') THEN 'customers'
            WHEN s.segment_name ~ '^(channel|source|gateway):' THEN split_part(s.segment_name, ':', 1)
        END AS family
    ) f
    WHERE s.date BETWEEN %(from_day)s AND %(to_day)s AND f.family IS NOT NULL
    GROUP BY s.tenant_id, s.date, s.campaign_id, f.family
),
differences AS (
    SELECT w.tenant_id, w.day, w.campaign_id, 'customers' AS part,
           w.new_customers + w.returning_customers + w.unknown_customers AS found, w.conversions AS expected,
           0::numeric AS found_revenue, 0::numeric AS expected_revenue
    FROM whole w
    WHERE w.new_customers + w.returning_customers + w.unknown_customers <> w.conversions
    UNION ALL
    SELECT coalesce(w.tenant_id, d.tenant_id), coalesce(w.day, d.day), coalesce(w.campaign_id, d.campaign_id), 'day',
           coalesce(d.conversions, 0), coalesce(w.conversions, 0), coalesce(d.revenue, 0), coalesce(w.revenue, 0)
    FROM whole w
    FULL JOIN (
        SELECT x.* FROM trend x WHERE x.granularity = 'daily' AND x.day BETWEEN %(from_day)s AND %(to_day)s
    ) d ON d.tenant_id = w.tenant_id AND d.day = w.day AND d.campaign_id = w.campaign_id
    WHERE (d.clicks, d.conversions, d.revenue, d.spend, d.currency, d.views)
          IS DISTINCT FROM
          (w.clicks, w.conversions, w.revenue, w.spend, w.currency,
           CASE WHEN w.cost_basis <> 'none' THEN w.impressions END)
    UNION ALL
    SELECT w.tenant_id, w.day, w.campaign_id, 'hours', coalesce(h.conversions, 0), w.conversions,
           coalesce(h.revenue, 0), coalesce(w.revenue, 0)
    FROM whole w
    LEFT JOIN hours h ON h.tenant_id = w.tenant_id AND h.day = w.day AND h.campaign_id = w.campaign_id
    WHERE w.day > %(today)s::date - 400
      AND (
          coalesce(h.clicks, 0) <> w.clicks
          OR coalesce(h.conversions, 0) <> w.conversions
          OR h.revenue <> w.revenue
          OR (w.cost_basis = 'hours' AND (h.views <> w.impressions OR h.spend <> w.spend))
      )
    UNION ALL
    SELECT w.tenant_id, w.day, w.campaign_id, 'week', w.conversions, d.conversions, coalesce(w.revenue, 0),
           coalesce(d.revenue, 0)
    FROM trend w
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(x.clicks), 0) AS clicks, coalesce(sum(x.conversions), 0) AS conversions,
               sum(x.revenue) AS revenue, sum(x.spend) AS spend
        FROM trackai.campaign_trend_data x
        WHERE x.tenant_id = w.tenant_id AND x.campaign_id = w.campaign_id AND x.granularity = 'daily'
          AND x.period >= w.day::timestamp AT TIME ZONE 'UTC'
          AND x.period < (w.day + 7)::timestamp AT TIME ZONE 'UTC'
    ) d
    WHERE w.granularity = 'weekly' AND w.day BETWEEN %(from_day)s::date - 6 AND %(to_day)s
      AND (w.clicks <> d.clicks OR w.conversions <> d.conversions OR w.revenue <> d.revenue OR w.spend <> d.spend)
    UNION ALL
    SELECT w.tenant_id, w.day, w.campaign_id, 'segments by ' || f.family, coalesce(s.conversions, 0), w.conversions,
           coalesce(s.revenue, 0), coalesce(w.revenue, 0)
    FROM whole w
    CROSS JOIN (VALUES ('customers'), ('channel'), ('source'), ('gateway')) AS f (family)
    LEFT JOIN segments s
        ON s.tenant_id = w.tenant_id AND s.day = w.day AND s.campaign_id = w.campaign_id AND s.family = f.family
    WHERE coalesce(s.conversions, 0) <> w.conversions OR s.revenue <> w.revenue
)
SELECT t.slug AS tenant, d.day, d.part || ' of ' || d.campaign_id AS figure, NULL::text AS currency, d.found, d.expected,
       d.found_revenue, d.expected_revenue, false AS stale
FROM differences d
JOIN trackai.tenants t ON t.id = d.tenant_id
ORDER BY t.slug, d.day, figure
