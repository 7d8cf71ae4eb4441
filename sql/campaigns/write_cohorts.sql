-- Writes a tenant's cohorts of the months from %(first_month)s on: buyers by month and campaign of their first sale, and what
-- they bought up to each age, by currency. A row exists once the whole month is so old on the UTC day %(to_day)s; rows of
-- that age that nothing is left of are removed. Returns how many rows there are.
-- Indexes: buyers_by_first_day, conversion_buyers_by_buyer, the primary keys of conversions, campaign_daily_money and
-- campaign_cohorts. Reads all sales of the months' buyers: for the night.
-- Guarantees: the buyers of a cohort are all of it, whatever currency they paid in; a row does not depend on the day that
-- it is computed on.
WITH cohort AS MATERIALIZED (
    SELECT b.buyer_id, b.first_day, b.acquired_campaign_id AS campaign_id,
           date_trunc('month', b.first_day::timestamp)::date AS month
    FROM trackai.buyers b
    WHERE b.tenant_id = %(tenant_id)s
      AND b.first_day >= %(first_month)s
      -- The first month that is old enough for age 0 ends here.
      AND b.first_day < date_trunc('month', %(to_day)s::timestamp + interval '1 day')::date
),
sizes AS (
    SELECT c.campaign_id, c.month, count(*) AS buyers FROM cohort c GROUP BY c.campaign_id, c.month
),
-- Each sale counts from the first of these ages on.
bought AS (
    SELECT c.campaign_id, c.month, coalesce(s.currency, 'XXX') AS currency,
           (
               SELECT min(a.days) FROM unnest(%(ages)s::integer[]) AS a (days) WHERE a.days >= cb.day - c.first_day
           ) AS age,
           count(*) AS orders, sum(coalesce(s.value, 0)) AS revenue
    FROM cohort c
    JOIN trackai.conversion_buyers cb ON cb.tenant_id = %(tenant_id)s AND cb.buyer_id = c.buyer_id
    JOIN trackai.conversions s ON s.tenant_id = cb.tenant_id AND s.id = cb.conversion_id
    GROUP BY 1, 2, 3, 4
),
spent AS (
    SELECT m.campaign_id, date_trunc('month', m.date::timestamp)::date AS month, m.currency, sum(m.spend) AS spend
    FROM trackai.campaign_daily_money m
    WHERE m.tenant_id = %(tenant_id)s AND m.date >= %(first_month)s
    GROUP BY 1, 2, 3
),
found AS MATERIALIZED (
    SELECT b.campaign_id, b.month, b.currency, a.days, z.buyers,
           sum(b.orders)::bigint AS orders, sum(b.revenue) AS revenue, sum(b.revenue) / z.buyers AS ltv, p.spend
    FROM bought b
    JOIN unnest(%(ages)s::integer[]) AS a (days) ON a.days >= b.age
    JOIN sizes z ON z.campaign_id = b.campaign_id AND z.month = b.month
    LEFT JOIN spent p ON p.campaign_id = b.campaign_id AND p.month = b.month AND p.currency = b.currency
    WHERE (b.month + interval '1 month')::date - 1 + a.days <= %(to_day)s
    GROUP BY b.campaign_id, b.month, b.currency, a.days, z.buyers, p.spend
),
removed AS (
    DELETE FROM trackai.campaign_cohorts c
    WHERE c.tenant_id = %(tenant_id)s
      AND c.cohort_month >= %(first_month)s
      AND (c.cohort_month + interval '1 month')::date - 1 + c.age_days <= %(to_day)s
      AND NOT EXISTS (
          SELECT
          FROM found f
          WHERE f.campaign_id = c.campaign_id
            AND f.month = c.cohort_month
            AND f.currency = c.currency
            AND f.days = c.age_days
      )
),
written AS (
    INSERT INTO trackai.campaign_cohorts
        (tenant_id, campaign_id, cohort_month, currency, age_days, buyers, orders, revenue, ltv, spend, computed_at)
    SELECT %(tenant_id)s, f.campaign_id, f.month, f.currency, f.days, f.buyers, f.orders, f.revenue, round(f.ltv, 4),
           f.spend, %(now)s
    FROM found f
    ORDER BY f.campaign_id, f.month, f.currency, f.days
    ON CONFLICT (tenant_id, campaign_id, cohort_month, currency, age_days) DO UPDATE
    SET (buyers, orders, revenue, ltv, spend, computed_at) =
        (excluded.buyers, excluded.orders, excluded.revenue, excluded.ltv, excluded.spend, excluded.computed_at)
    RETURNING 1
)
SELECT count(*) FROM written
