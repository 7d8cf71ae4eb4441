-- Writes campaign_credit_daily of a tenant's UTC day from the day's touches, and removes rows that nothing is left of. Rows
-- that stay as they are are not written again.
-- Indexes: the day's partition of conversion_touchpoints, conversions' primary key, campaign_credit_daily's primary key.
-- Guarantees: the conversions of each model and currency sum to the day's matched sales, and revenue to their value; it is
-- that of v_conversion_credits. Summing all models in one row is a sixth of the work of a row for each touch and model.
-- Sales are looked up one by one by their keys, whatever the planner expects; joined, a tenant whose rows are younger than
-- a table's statistics has all of them compared with each other.
WITH touches AS (
    SELECT p.*,
           coalesce(c.currency::text, 'XXX') COLLATE "C" AS currency,
           c.value,
           p.credit_linear = 1 AS alone,
           -- Running totals; the other models credit one touch with the whole value.
           sum(p.credit_linear) OVER sale AS total_linear,
           sum(p.credit_position_based) OVER sale AS total_position_based,
           sum(p.credit_time_decay) OVER sale AS total_time_decay,
           sum(p.credit_markov) OVER sale AS total_markov,
           sum(p.credit_shapley) OVER sale AS total_shapley
    FROM trackai.conversion_touchpoints p
    CROSS JOIN LATERAL (
        SELECT x.currency, x.value
        FROM trackai.conversions x
        WHERE x.tenant_id = p.tenant_id AND x.id = p.conversion_id
        LIMIT 1
    ) c
    WHERE p.tenant_id = %(tenant_id)s AND p.day = %(day)s
    WINDOW sale AS (PARTITION BY p.conversion_id ORDER BY p.position ROWS UNBOUNDED PRECEDING)
),
sums AS MATERIALIZED (
    SELECT t.campaign_id, t.channel::text COLLATE "C" AS channel, t.currency,
           sum(t.credit_matched) AS matched,
           count(*) FILTER (WHERE t.credit_matched > 0) AS matched_touches,
           sum(t.value) FILTER (WHERE t.credit_matched > 0) AS matched_revenue,
           sum(t.credit_last_touch) AS last_touch,
           count(*) FILTER (WHERE t.credit_last_touch > 0) AS last_touch_touches,
           sum(t.value) FILTER (WHERE t.credit_last_touch > 0) AS last_touch_revenue,
           sum(t.credit_first_touch) AS first_touch,
           count(*) FILTER (WHERE t.credit_first_touch > 0) AS first_touch_touches,
           sum(t.value) FILTER (WHERE t.credit_first_touch > 0) AS first_touch_revenue,
           sum(t.credit_linear) AS linear,
           count(*) FILTER (WHERE t.credit_linear > 0) AS linear_touches,
           sum(
               CASE
                   WHEN t.alone THEN t.value
                   ELSE round(t.value * t.total_linear, 4)
                        - round(t.value * (t.total_linear - t.credit_linear), 4)
               END
           ) AS linear_revenue,
           sum(t.credit_position_based) AS position_based,
           count(*) FILTER (WHERE t.credit_position_based > 0) AS position_based_touches,
           sum(
               CASE
                   WHEN t.alone THEN t.value
                   ELSE round(t.value * t.total_position_based, 4)
                        - round(t.value * (t.total_position_based - t.credit_position_based), 4)
               END
           ) AS position_based_revenue,
           sum(t.credit_time_decay) AS time_decay,
           count(*) FILTER (WHERE t.credit_time_decay > 0) AS time_decay_touches,
           sum(
               CASE
                   WHEN t.alone THEN t.value
                   ELSE round(t.value * t.total_time_decay, 4)
                        - round(t.value * (t.total_time_decay - t.credit_time_decay), 4)
               END
           ) AS time_decay_revenue,
           sum(t.credit_last_non_direct) AS last_non_direct,
           count(*) FILTER (WHERE t.credit_last_non_direct > 0) AS last_non_direct_touches,
           sum(t.value) FILTER (WHERE t.credit_last_non_direct > 0) AS last_non_direct_revenue,
           sum(t.credit_markov) AS markov,
           count(*) FILTER (WHERE t.credit_markov > 0) AS markov_touches,
           sum(
               CASE
                   WHEN t.alone THEN t.value
                   ELSE round(t.value * t.total_markov, 4)
                        - round(t.value * (t.total_markov - t.credit_markov), 4)
               END
           ) AS markov_revenue,
           sum(t.credit_shapley) AS shapley,
           count(*) FILTER (WHERE t.credit_shapley > 0) AS shapley_touches,
           sum(
               CASE
                   WHEN t.alone THEN t.value
                   ELSE round(t.value * t.total_shapley, 4)
                        - round(t.value * (t.total_shapley - t.credit_shapley), 4)
               END
           ) AS shapley_revenue
    FROM touches t
    GROUP BY t.campaign_id, t.channel, t.currency
    -- Neighbours in the index are written one after the other.
    ORDER BY t.campaign_id, t.channel, t.currency
),
figures AS MATERIALIZED (
    SELECT s.campaign_id, s.channel, m.model, s.currency, m.conversions, coalesce(m.revenue, 0) AS revenue, m.touches
    FROM sums s
    CROSS JOIN LATERAL (VALUES
        ('matched', s.matched, s.matched_revenue, s.matched_touches),
        ('last_touch', s.last_touch, s.last_touch_revenue, s.last_touch_touches),
        ('first_touch', s.first_touch, s.first_touch_revenue, s.first_touch_touches),
        ('linear', s.linear, s.linear_revenue, s.linear_touches),
        ('position_based', s.position_based, s.position_based_revenue, s.position_based_touches),
        ('time_decay', s.time_decay, s.time_decay_revenue, s.time_decay_touches),
        ('last_non_direct', s.last_non_direct, s.last_non_direct_revenue, s.last_non_direct_touches),
        ('markov', s.markov, s.markov_revenue, s.markov_touches),
        ('shapley', s.shapley, s.shapley_revenue, s.shapley_touches)
    ) AS m (model, conversions, revenue, touches)
    WHERE m.touches > 0
),
removed AS (
    DELETE FROM trackai.campaign_credit_daily d
    WHERE d.tenant_id = %(tenant_id)s AND d.date = %(day)s
      -- Hashed whatever the planner knows of a day that was never analysed; NOT EXISTS may loop.
      AND (d.campaign_id, d.channel, d.model, d.currency) NOT IN (
          SELECT f.campaign_id, f.channel, f.model, f.currency FROM figures f
      )
)
INSERT INTO trackai.campaign_credit_daily
    (tenant_id, date, campaign_id, channel, model, currency, conversions, revenue, touches, computed_at)
SELECT %(tenant_id)s, %(day)s::date, f.campaign_id, f.channel, f.model, f.currency, f.conversions, f.revenue, f.touches,
       %(now)s
FROM figures f
WHERE (f.campaign_id, f.channel, f.model, f.currency, f.conversions, f.revenue, f.touches) NOT IN (
    SELECT d.campaign_id, d.channel, d.model, d.currency, d.conversions, d.revenue, d.touches
    FROM trackai.campaign_credit_daily d
    WHERE d.tenant_id = %(tenant_id)s AND d.date = %(day)s
)
ON CONFLICT (tenant_id, date, campaign_id, channel, model, currency) DO UPDATE
SET (conversions, revenue, touches, computed_at) =
    (excluded.conversions, excluded.revenue, excluded.touches, excluded.computed_at)
