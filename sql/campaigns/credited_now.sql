-- What the journeys that were found and divided just now credit to each campaign, by currency and model.
-- Index: the primary key of conversions.
-- Guarantees: revenue of a sale adds up to its value, as in v_conversion_credits.
SELECT t.campaign_id, coalesce(c.currency, 'XXX') AS currency, m.model,
       coalesce(sum(round(c.value * m.total, 4) - round(c.value * (m.total - m.credit), 4)), 0) AS revenue,
       count(*) AS touches
FROM (
    SELECT j.*,
           sum(j.credit_matched) OVER sale AS total_matched,
           sum(j.credit_last_touch) OVER sale AS total_last_touch,
           sum(j.credit_first_touch) OVER sale AS total_first_touch,
           sum(j.credit_linear) OVER sale AS total_linear,
           sum(j.credit_position_based) OVER sale AS total_position_based,
           sum(j.credit_time_decay) OVER sale AS total_time_decay,
           sum(j.credit_last_non_direct) OVER sale AS total_last_non_direct,
           sum(j.credit_markov) OVER sale AS total_markov,
           sum(j.credit_shapley) OVER sale AS total_shapley
    FROM journey_credits j
    WINDOW sale AS (PARTITION BY j.conversion_id ORDER BY j.position)
) t
JOIN trackai.conversions c ON c.tenant_id = %(tenant_id)s AND c.id = t.conversion_id
CROSS JOIN LATERAL (VALUES
    ('matched', t.credit_matched, t.total_matched),
    ('last_touch', t.credit_last_touch, t.total_last_touch),
    ('first_touch', t.credit_first_touch, t.total_first_touch),
    ('linear', t.credit_linear, t.total_linear),
    ('position_based', t.credit_position_based, t.total_position_based),
    ('time_decay', t.credit_time_decay, t.total_time_decay),
    ('last_non_direct', t.credit_last_non_direct, t.total_last_non_direct),
    ('markov', t.credit_markov, t.total_markov),
    ('shapley', t.credit_shapley, t.total_shapley)
) AS m (model, credit, total)
GROUP BY t.campaign_id, coalesce(c.currency, 'XXX'), m.model
