-- Revenue of each campaign and currency over some UTC days, by model, and what the campaign cost in that currency.
-- Indexes: the primary keys of campaign_credit_daily and campaign_daily_money.
SELECT m.campaign_id, m.currency, sum(m.spend) AS spend,
       sum(m.revenue_matched) AS matched,
       sum(m.revenue_last_touch) AS last_touch,
       sum(m.revenue_first_touch) AS first_touch,
       sum(m.revenue_linear) AS linear,
       sum(m.revenue_position_based) AS position_based,
       sum(m.revenue_time_decay) AS time_decay,
       sum(m.revenue_last_non_direct) AS last_non_direct,
       sum(m.revenue_markov) AS markov,
       sum(m.revenue_shapley) AS shapley
FROM trackai.v_campaign_models m
WHERE m.tenant_id = %(tenant_id)s AND m.date BETWEEN %(from_day)s AND %(to_day)s
GROUP BY m.campaign_id, m.currency
ORDER BY m.currency, sum(m.revenue_matched) DESC, m.campaign_id
