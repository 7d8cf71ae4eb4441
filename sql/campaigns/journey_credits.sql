-- Divides each sale among its touches under nine models.
-- Indexes: attribution_trainings by day, and the primary keys of attribution_units and attribution_sets.
-- Guarantees: credit i is the running total of weights up to i, over the total of all, rounded to 9 decimals half away
-- from zero, less the one before; so credits of a sale sum to exactly 1 and none is negative. A model that gives all
-- credit to one touch needs no division, and position_based's running total is written down directly: weights 2/5, the
-- middle 1/5 in equal parts, 2/5.
-- The newest training before the day decides markov and shapley; without one, or where it knows none of the units or
-- gives them nothing, both are linear.
CREATE TEMPORARY TABLE journey_credits ON COMMIT DROP AS
WITH training AS (
    SELECT a.id
    FROM trackai.attribution_trainings a
    JOIN trackai.tenants t ON t.id = a.tenant_id AND t.credit_unit = a.unit
    WHERE a.tenant_id = %(tenant_id)s AND a.to_day < %(day)s
    ORDER BY a.to_day DESC
    LIMIT 1
),
tenant AS (
    SELECT coalesce(%(half_life_hours)s, t.half_life_hours)::float8 AS half_life_hours, t.credit_unit, n.id AS training_id,
           EXISTS (
               SELECT FROM trackai.attribution_units u
               WHERE u.tenant_id = t.id AND u.training_id = n.id AND u.unit = '(other)'
           ) AS has_others
    FROM trackai.tenants t
    LEFT JOIN training n ON true
    WHERE t.id = %(tenant_id)s
),
touches AS (
    SELECT j.*,
           tenant.training_id,
           count(*) OVER sale AS n,
           -- Half-lives before the newest touch, which is what ratios of weights depend on.
           (
               greatest(0, coalesce(date_part('epoch', s.occurred_at - j.clicked_at), 0))
               - min(greatest(0, coalesce(date_part('epoch', s.occurred_at - j.clicked_at), 0))) OVER sale
           ) / (3600 * tenant.half_life_hours) AS half_lives,
           max(j.position) FILTER (WHERE j.channel <> 'direct') OVER sale AS last_non_direct,
           CASE
               WHEN u.unit IS NULL AND tenant.has_others THEN '(other)'
               WHEN tenant.credit_unit = 'channel' THEN j.channel::text
               ELSE j.campaign_id
           END COLLATE "C" AS unit
    FROM journey_touches j
    JOIN journey_sales s ON s.conversion_id = j.conversion_id
    CROSS JOIN tenant
    LEFT JOIN trackai.attribution_units u
        ON u.tenant_id = %(tenant_id)s
        AND u.training_id = tenant.training_id
        AND u.unit = CASE tenant.credit_unit WHEN 'channel' THEN j.channel::text ELSE j.campaign_id END
    WINDOW sale AS (PARTITION BY j.conversion_id)
),
-- What the training says of each unit of a sale; only sales of several touches depend on it.
units AS (
    SELECT t.conversion_id, t.unit, t.training_id, count(*) AS touches, u.removal_effect,
           string_agg(t.unit, chr(31)) OVER (
               PARTITION BY t.conversion_id ORDER BY t.unit
               ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
           ) AS set_key
    FROM touches t
    LEFT JOIN trackai.attribution_units u
        ON u.tenant_id = %(tenant_id)s AND u.training_id = t.training_id AND u.unit = t.unit
    WHERE t.training_id IS NOT NULL AND t.n > 1
    GROUP BY t.conversion_id, t.unit, t.training_id, u.removal_effect
),
learned AS (
    SELECT u.conversion_id, u.unit,
           -- 30 decimals, so that parts of it add up well beyond the 9 that count.
           round(coalesce(u.removal_effect, avg(u.removal_effect) OVER (PARTITION BY u.conversion_id)), 30) / u.touches
               AS markov,
           round((s.shares ->> u.unit)::numeric, 30) / u.touches AS shapley
    FROM units u
    LEFT JOIN trackai.attribution_sets s
        ON s.tenant_id = %(tenant_id)s AND s.training_id = u.training_id AND s.set_key = u.set_key
),
weighed AS (
    SELECT t.*,
           coalesce(l.markov, 0) AS markov,
           coalesce(l.shapley, 0) AS shapley,
           CASE WHEN t.half_lives < 100 THEN (2::float8 ^ -t.half_lives)::numeric ELSE 0 END AS time_decay
    FROM touches t
    LEFT JOIN learned l ON l.conversion_id = t.conversion_id AND l.unit = t.unit
),
totals AS (
    SELECT w.*,
           w.position::numeric / w.n AS linear_share,
           sum(w.time_decay) OVER up_to / sum(w.time_decay) OVER sale AS time_decay_share,
           sum(w.markov) OVER up_to / nullif(sum(w.markov) OVER sale, 0) AS markov_share,
           sum(w.shapley) OVER up_to / nullif(sum(w.shapley) OVER sale, 0) AS shapley_share,
           CASE
               WHEN w.n <= 2 OR w.position = w.n THEN w.position::numeric / w.n
               ELSE (2 * (w.n - 2) + w.position - 1)::numeric / (5 * (w.n - 2))
           END AS position_share
    FROM weighed w
    WINDOW
        sale AS (PARTITION BY w.conversion_id),
        up_to AS (PARTITION BY w.conversion_id ORDER BY w.position)
),
shares AS (
    SELECT t.*,
           round(t.linear_share, 9) AS linear_total,
           round(t.position_share, 9) AS position_total,
           round(t.time_decay_share, 9) AS time_decay_total,
           round(coalesce(t.markov_share, t.linear_share), 9) AS markov_total,
           round(coalesce(t.shapley_share, t.linear_share), 9) AS shapley_total
    FROM totals t
)
SELECT s.conversion_id, s.position, s.click_id, s.clicked_at, s.campaign_id, s.channel, s.via, s.truncated, s.training_id,
       s.matched::integer::numeric(10, 9) AS credit_matched,
       (s.position = s.n)::integer::numeric(10, 9) AS credit_last_touch,
       (s.position = 1)::integer::numeric(10, 9) AS credit_first_touch,
       (s.linear_total - lag(s.linear_total, 1, 0::numeric) OVER before)::numeric(10, 9) AS credit_linear,
       (s.position_total - lag(s.position_total, 1, 0::numeric) OVER before)::numeric(10, 9) AS credit_position_based,
       (s.time_decay_total - lag(s.time_decay_total, 1, 0::numeric) OVER before)::numeric(10, 9) AS credit_time_decay,
       (s.position = coalesce(s.last_non_direct, s.n))::integer::numeric(10, 9) AS credit_last_non_direct,
       (s.markov_total - lag(s.markov_total, 1, 0::numeric) OVER before)::numeric(10, 9) AS credit_markov,
       (s.shapley_total - lag(s.shapley_total, 1, 0::numeric) OVER before)::numeric(10, 9) AS credit_shapley
FROM shares s
WINDOW before AS (PARTITION BY s.conversion_id ORDER BY s.position)
