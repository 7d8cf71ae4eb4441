-- Credit as people ask for it: by touch and model, on the day of the click, and model beside model.

CREATE VIEW trackai.v_conversion_credits AS
SELECT t.tenant_id, t.conversion_id, t.day, t.position, t.click_id, t.clicked_at, t.campaign_id, t.channel, t.via,
       m.model COLLATE "C" AS model,
       m.credit,
       coalesce(c.currency, 'XXX')::text COLLATE "C" AS currency,
       -- A running total, rounded, less the one before: the parts add up to exactly the value.
       (round(c.value * m.total, 4) - round(c.value * (m.total - m.credit), 4))::numeric(24, 4) AS revenue
FROM (
    SELECT p.*,
           sum(p.credit_matched) OVER sale AS total_matched,
           sum(p.credit_last_touch) OVER sale AS total_last_touch,
           sum(p.credit_first_touch) OVER sale AS total_first_touch,
           sum(p.credit_linear) OVER sale AS total_linear,
           sum(p.credit_position_based) OVER sale AS total_position_based,
           sum(p.credit_time_decay) OVER sale AS total_time_decay,
           sum(p.credit_last_non_direct) OVER sale AS total_last_non_direct,
           sum(p.credit_markov) OVER sale AS total_markov,
           sum(p.credit_shapley) OVER sale AS total_shapley
    FROM trackai.conversion_touchpoints p
    WINDOW sale AS (PARTITION BY p.tenant_id, p.day, p.conversion_id ORDER BY p.position)
) t
JOIN trackai.conversions c ON c.tenant_id = t.tenant_id AND c.id = t.conversion_id
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
) AS m (model, credit, total);
COMMENT ON VIEW trackai.v_conversion_credits IS 'What each touch of each matched conversion deserves under each model: credits of a conversion sum to 1, revenue to its value.';
COMMENT ON COLUMN trackai.v_conversion_credits.tenant_id IS 'whose conversion it is';
COMMENT ON COLUMN trackai.v_conversion_credits.conversion_id IS 'the conversion';
COMMENT ON COLUMN trackai.v_conversion_credits.day IS 'UTC day of the sale';
COMMENT ON COLUMN trackai.v_conversion_credits.position IS 'place of the touch in the journey, from 1, the oldest';
COMMENT ON COLUMN trackai.v_conversion_credits.click_id IS 'the click; NULL where it was deleted';
COMMENT ON COLUMN trackai.v_conversion_credits.clicked_at IS 'when it was; NULL where the click was deleted';
COMMENT ON COLUMN trackai.v_conversion_credits.campaign_id IS 'campaign of the click';
COMMENT ON COLUMN trackai.v_conversion_credits.channel IS 'channel of the click';
COMMENT ON COLUMN trackai.v_conversion_credits.via IS 'what led to it first: matched, click_id, browser, email or phone';
COMMENT ON COLUMN trackai.v_conversion_credits.model IS 'the model that credit is given by';
COMMENT ON COLUMN trackai.v_conversion_credits.credit IS 'share of the conversion, from 0 to 1';
COMMENT ON COLUMN trackai.v_conversion_credits.currency IS 'ISO 4217 code of the revenue; XXX for sales without one';
COMMENT ON COLUMN trackai.v_conversion_credits.revenue IS 'share of the value, gross of refunds; NULL where the conversion has no value';

CREATE VIEW trackai.v_campaign_credit_by_click_day AS
SELECT c.tenant_id,
       coalesce((c.clicked_at AT TIME ZONE 'UTC')::date, c.day) AS date,
       c.campaign_id, c.channel, c.model, c.currency,
       sum(c.credit) AS conversions,
       coalesce(sum(c.revenue), 0) AS revenue,
       count(*) AS touches
FROM trackai.v_conversion_credits c
WHERE c.credit > 0
GROUP BY 1, 2, 3, 4, 5, 6;
COMMENT ON VIEW trackai.v_campaign_credit_by_click_day IS 'Credit on the UTC day of the click instead of that of the sale: what the clicks of a day have brought so far.';
COMMENT ON COLUMN trackai.v_campaign_credit_by_click_day.tenant_id IS 'whose campaign it is';
COMMENT ON COLUMN trackai.v_campaign_credit_by_click_day.date IS 'UTC day of the clicks; of the sale where the click was deleted';
COMMENT ON COLUMN trackai.v_campaign_credit_by_click_day.campaign_id IS 'campaign of the clicks';
COMMENT ON COLUMN trackai.v_campaign_credit_by_click_day.channel IS 'channel of the clicks';
COMMENT ON COLUMN trackai.v_campaign_credit_by_click_day.model IS 'the model that credit is given by';
COMMENT ON COLUMN trackai.v_campaign_credit_by_click_day.currency IS 'ISO 4217 code of the revenue; XXX for sales without one';
COMMENT ON COLUMN trackai.v_campaign_credit_by_click_day.conversions IS 'credited conversions';
COMMENT ON COLUMN trackai.v_campaign_credit_by_click_day.revenue IS 'credited revenue, gross of refunds';
COMMENT ON COLUMN trackai.v_campaign_credit_by_click_day.touches IS 'touches with a share above 0';

CREATE VIEW trackai.v_campaign_models AS
SELECT s.tenant_id, s.campaign_id, s.date, s.currency, s.spend,
       s.revenue_matched,
       s.revenue_last_touch,
       s.revenue_first_touch,
       s.revenue_linear,
       s.revenue_position_based,
       s.revenue_time_decay,
       s.revenue_last_non_direct,
       s.revenue_markov,
       s.revenue_shapley,
       s.revenue_matched / nullif(s.spend, 0) AS roas_matched,
       s.revenue_last_touch / nullif(s.spend, 0) AS roas_last_touch,
       s.revenue_first_touch / nullif(s.spend, 0) AS roas_first_touch,
       s.revenue_linear / nullif(s.spend, 0) AS roas_linear,
       s.revenue_position_based / nullif(s.spend, 0) AS roas_position_based,
       s.revenue_time_decay / nullif(s.spend, 0) AS roas_time_decay,
       s.revenue_last_non_direct / nullif(s.spend, 0) AS roas_last_non_direct,
       s.revenue_markov / nullif(s.spend, 0) AS roas_markov,
       s.revenue_shapley / nullif(s.spend, 0) AS roas_shapley
FROM (
    SELECT p.tenant_id, p.campaign_id, p.date, p.currency,
           sum(p.spend) AS spend,
           coalesce(sum(p.revenue) FILTER (WHERE p.model = 'matched'), 0) AS revenue_matched,
           coalesce(sum(p.revenue) FILTER (WHERE p.model = 'last_touch'), 0) AS revenue_last_touch,
           coalesce(sum(p.revenue) FILTER (WHERE p.model = 'first_touch'), 0) AS revenue_first_touch,
           coalesce(sum(p.revenue) FILTER (WHERE p.model = 'linear'), 0) AS revenue_linear,
           coalesce(sum(p.revenue) FILTER (WHERE p.model = 'position_based'), 0) AS revenue_position_based,
           coalesce(sum(p.revenue) FILTER (WHERE p.model = 'time_decay'), 0) AS revenue_time_decay,
           coalesce(sum(p.revenue) FILTER (WHERE p.model = 'last_non_direct'), 0) AS revenue_last_non_direct,
           coalesce(sum(p.revenue) FILTER (WHERE p.model = 'markov'), 0) AS revenue_markov,
           coalesce(sum(p.revenue) FILTER (WHERE p.model = 'shapley'), 0) AS revenue_shapley
    FROM (
        SELECT m.tenant_id, m.campaign_id, m.date, m.currency, m.spend, NULL AS model, NULL::numeric AS revenue
        FROM trackai.campaign_daily_money m
        UNION ALL
        SELECT c.tenant_id, c.campaign_id, c.date, c.currency, NULL, c.model, c.revenue
        FROM trackai.campaign_credit_daily c
    ) p
    GROUP BY 1, 2, 3, 4
) s;
COMMENT ON VIEW trackai.v_campaign_models IS 'Revenue and ROAS of each campaign, UTC day and currency, one column for each model. Amounts as they were, never converted.';
COMMENT ON COLUMN trackai.v_campaign_models.tenant_id IS 'whose campaign it is';
COMMENT ON COLUMN trackai.v_campaign_models.campaign_id IS 'the campaign (campaigns.campaign_id)';
COMMENT ON COLUMN trackai.v_campaign_models.date IS 'UTC day of sales and costs';
COMMENT ON COLUMN trackai.v_campaign_models.currency IS 'ISO 4217 code of the amounts; XXX for sales without one';
COMMENT ON COLUMN trackai.v_campaign_models.spend IS 'what the campaign cost; NULL where no cost was stated in this currency';
COMMENT ON COLUMN trackai.v_campaign_models.revenue_matched IS 'revenue credited by the model matched';
COMMENT ON COLUMN trackai.v_campaign_models.revenue_last_touch IS 'revenue credited by the model last_touch';
COMMENT ON COLUMN trackai.v_campaign_models.revenue_first_touch IS 'revenue credited by the model first_touch';
COMMENT ON COLUMN trackai.v_campaign_models.revenue_linear IS 'revenue credited by the model linear';
COMMENT ON COLUMN trackai.v_campaign_models.revenue_position_based IS 'revenue credited by the model position_based';
COMMENT ON COLUMN trackai.v_campaign_models.revenue_time_decay IS 'revenue credited by the model time_decay';
COMMENT ON COLUMN trackai.v_campaign_models.revenue_last_non_direct IS 'revenue credited by the model last_non_direct';
COMMENT ON COLUMN trackai.v_campaign_models.revenue_markov IS 'revenue credited by the model markov';
COMMENT ON COLUMN trackai.v_campaign_models.revenue_shapley IS 'revenue credited by the model shapley';
COMMENT ON COLUMN trackai.v_campaign_models.roas_matched IS 'revenue by the model matched / spend; NULL where spend is 0 or unknown';
COMMENT ON COLUMN trackai.v_campaign_models.roas_last_touch IS 'revenue by the model last_touch / spend; NULL where spend is 0 or unknown';
COMMENT ON COLUMN trackai.v_campaign_models.roas_first_touch IS 'revenue by the model first_touch / spend; NULL where spend is 0 or unknown';
COMMENT ON COLUMN trackai.v_campaign_models.roas_linear IS 'revenue by the model linear / spend; NULL where spend is 0 or unknown';
COMMENT ON COLUMN trackai.v_campaign_models.roas_position_based IS 'revenue by the model position_based / spend; NULL where spend is 0 or unknown';
COMMENT ON COLUMN trackai.v_campaign_models.roas_time_decay IS 'revenue by the model time_decay / spend; NULL where spend is 0 or unknown';
COMMENT ON COLUMN trackai.v_campaign_models.roas_last_non_direct IS 'revenue by the model last_non_direct / spend; NULL where spend is 0 or unknown';
COMMENT ON COLUMN trackai.v_campaign_models.roas_markov IS 'revenue by the model markov / spend; NULL where spend is 0 or unknown';
COMMENT ON COLUMN trackai.v_campaign_models.roas_shapley IS 'revenue by the model shapley / spend; NULL where spend is 0 or unknown';
