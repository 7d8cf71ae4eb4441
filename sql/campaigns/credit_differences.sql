-- Compares the campaigns' figures of the UTC days %(from_day)s to %(to_day)s with the match rates and with each other; a row
-- for each tenant, day, currency (NULL: all) and figure that differs.
-- Sales: campaign_daily_money and each model of campaign_credit_daily against daily_match_rates. Touches: each group of
-- campaign_credit_daily against the touches. Campaigns: the model `matched` against campaign_analytics_daily; revenue only
-- where all of it is in the row's currency.
-- A row is stale where a sale of the day was decided after one of the two sides was computed, or the day never was.
-- Indexes: daily_match_rates_by_day, the primary keys of campaign_daily_money and campaign_credit_daily,
-- campaign_analytics_daily_by_date, the days' partitions of conversion_touchpoints; conversions_by_day where it differs.
WITH days AS (
    SELECT t.id AS tenant_id, g.day::date AS day
    FROM trackai.tenants t
    CROSS JOIN generate_series(%(from_day)s::date, %(to_day)s::date, interval '1 day') AS g (day)
    -- Of a day whose touches have left, the sales are not computed again.
    WHERE NOT EXISTS (
        SELECT FROM trackai.archives h
        WHERE h.table_name = 'conversion_touchpoints' AND h.day = g.day::date AND h.state = 'dropped'
    )
),
models AS (
    SELECT DISTINCT d.model FROM trackai.campaign_credit_daily d
    WHERE d.date BETWEEN %(from_day)s AND %(to_day)s
),
facts AS MATERIALIZED (
    SELECT r.tenant_id, r.day, r.currency::text COLLATE "C" AS currency, sum(r.fbc + r.fbp + r.email) AS conversions,
           sum(r.value_matched) AS revenue
    FROM trackai.daily_match_rates r
    WHERE r.day BETWEEN %(from_day)s AND %(to_day)s
    GROUP BY r.tenant_id, r.day, r.currency
    HAVING sum(r.fbc + r.fbp + r.email) > 0
),
credit AS MATERIALIZED (
    SELECT c.tenant_id, c.date AS day, c.currency, c.model, c.campaign_id, c.channel, c.conversions, c.revenue, c.touches
    FROM trackai.campaign_credit_daily c
    WHERE c.date BETWEEN %(from_day)s AND %(to_day)s
),
sides AS (
    SELECT m.tenant_id, m.date AS day, m.currency, 'campaign_daily_money' AS figure, sum(m.conversions) AS conversions,
           sum(m.revenue) AS revenue
    FROM trackai.campaign_daily_money m
    WHERE m.date BETWEEN %(from_day)s AND %(to_day)s
    GROUP BY m.tenant_id, m.date, m.currency
    HAVING sum(m.conversions) > 0
    UNION ALL
    SELECT c.tenant_id, c.day, c.currency, 'model ' || c.model, sum(c.conversions), sum(c.revenue)
    FROM credit c
    GROUP BY c.tenant_id, c.day, c.currency, c.model
),
expected AS (
    SELECT f.*, 'campaign_daily_money' AS figure FROM facts f
    UNION ALL
    SELECT f.*, 'model ' || m.model FROM facts f CROSS JOIN models m
    UNION ALL
    SELECT f.*, 'model matched' FROM facts f WHERE NOT EXISTS (SELECT FROM models)
),
differences AS (
    SELECT coalesce(e.tenant_id, s.tenant_id) AS tenant_id, coalesce(e.day, s.day) AS day,
           coalesce(e.currency, s.currency) AS currency, coalesce(e.figure, s.figure) AS figure,
           coalesce(s.conversions, 0) AS found, coalesce(e.conversions, 0) AS expected,
           coalesce(s.revenue, 0) AS found_revenue, coalesce(e.revenue, 0) AS expected_revenue
    FROM expected e
    FULL JOIN sides s
        ON s.tenant_id = e.tenant_id AND s.day = e.day AND s.currency = e.currency AND s.figure = e.figure
    WHERE (e.conversions, e.revenue) IS DISTINCT FROM (s.conversions, s.revenue)
    UNION ALL
    SELECT coalesce(v.tenant_id, c.tenant_id), coalesce(v.day, c.day), coalesce(v.currency, c.currency),
           'touches of ' || coalesce(v.campaign_id, c.campaign_id) || ', model ' || coalesce(v.model, c.model),
           coalesce(c.conversions, 0), coalesce(v.conversions, 0), coalesce(c.revenue, 0), coalesce(v.revenue, 0)
    FROM (
        SELECT x.tenant_id, x.day, x.currency, x.model, x.campaign_id, x.channel, sum(x.credit) AS conversions,
               coalesce(sum(x.revenue), 0) AS revenue, count(*) AS touches
        FROM trackai.v_conversion_credits x
        WHERE x.day BETWEEN %(from_day)s AND %(to_day)s AND x.credit > 0
        GROUP BY x.tenant_id, x.day, x.currency, x.model, x.campaign_id, x.channel
    ) v
    FULL JOIN credit c
        ON c.tenant_id = v.tenant_id AND c.day = v.day AND c.currency = v.currency AND c.model = v.model
       AND c.campaign_id = v.campaign_id AND c.channel = v.channel
    WHERE (v.conversions, v.revenue, v.touches) IS DISTINCT FROM (c.conversions, c.revenue, c.touches)
    UNION ALL
    SELECT coalesce(a.tenant_id, c.tenant_id), coalesce(a.date, c.day), a.currency,
           'campaign_analytics_daily of ' || coalesce(a.campaign_id, c.campaign_id),
           coalesce(a.conversions, 0), coalesce(c.conversions, 0), coalesce(a.revenue, 0), coalesce(c.revenue, 0)
    FROM (
        SELECT x.*
        FROM trackai.campaign_analytics_daily x
        WHERE x.date BETWEEN %(from_day)s AND %(to_day)s
    ) a
    FULL JOIN (
        SELECT x.tenant_id, x.day, x.campaign_id, sum(x.conversions) AS conversions, sum(x.revenue) AS revenue,
               min(x.currency) FILTER (WHERE x.currency <> 'XXX') AS first_currency,
               max(x.currency) FILTER (WHERE x.currency <> 'XXX') AS last_currency
        FROM credit x
        WHERE x.model = 'matched'
        GROUP BY x.tenant_id, x.day, x.campaign_id
    ) c ON c.tenant_id = a.tenant_id AND c.day = a.date AND c.campaign_id = a.campaign_id
    WHERE coalesce(a.conversions, 0) <> coalesce(c.conversions, 0)
       OR (c.first_currency = a.currency AND c.last_currency = a.currency AND a.revenue <> c.revenue)
)
SELECT t.slug AS tenant, d.day, d.figure, d.currency, d.found, d.expected, d.found_revenue, d.expected_revenue,
       k.computed_at IS NULL OR EXISTS (
           SELECT
           FROM trackai.conversions c
           JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
           WHERE c.tenant_id = d.tenant_id AND a.matched_at > least(k.computed_at, r.computed_at)
             AND c.occurred_at >= d.day::timestamp AT TIME ZONE 'UTC'
             AND c.occurred_at < (d.day + 1)::timestamp AT TIME ZONE 'UTC'
       ) AS stale
FROM differences d
JOIN days y ON y.tenant_id = d.tenant_id AND y.day = d.day
JOIN trackai.tenants t ON t.id = d.tenant_id
CROSS JOIN LATERAL (
    SELECT least(
        (SELECT min(a.computed_at) FROM trackai.campaign_analytics_daily a
         WHERE a.tenant_id = d.tenant_id AND a.date = d.day),
        (SELECT min(j.computed_at) FROM trackai.conversion_journeys j
         WHERE j.tenant_id = d.tenant_id AND j.day = d.day)
    ) AS computed_at
) k
CROSS JOIN LATERAL (
    SELECT min(m.computed_at) AS computed_at
    FROM trackai.daily_match_rates m
    WHERE m.tenant_id = d.tenant_id AND m.day = d.day
) r
ORDER BY stale, t.slug, d.day, d.figure, d.currency
