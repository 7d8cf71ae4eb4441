-- A touch takes a tenth less. With a tenant's id as long as a cuid it took 244 bytes: 8 of them only aligned others, because
-- texts stood between numbers, and 20 were two words of short lists. Columns of a fixed length come first now, and the two
-- are enumerations, which compare and read as their words do.

CREATE TYPE trackai.touch_channel AS ENUM (
    'direct', 'paid_search', 'paid_social', 'paid_video', 'display', 'paid_other', 'email', 'affiliate', 'social',
    'organic_search', 'referral', 'sms', 'push', 'audio', 'other'
);
COMMENT ON TYPE trackai.touch_channel IS 'what trackai.channel_of returns';
CREATE TYPE trackai.touch_via AS ENUM ('matched', 'click_id', 'browser', 'email', 'phone');
COMMENT ON TYPE trackai.touch_via IS 'what led to a touch first';

-- All is made again within this transaction.
-- squawk-ignore ban-drop-view
DROP VIEW trackai.v_campaign_credit_by_click_day;
-- squawk-ignore ban-drop-view
DROP VIEW trackai.v_conversion_credits;
-- squawk-ignore ban-drop-view
DROP VIEW trackai.v_platform_claims;

-- squawk-ignore renaming-table
ALTER TABLE trackai.conversion_touchpoints RENAME TO conversion_touchpoints_before;
-- squawk-ignore ban-drop-constraint
ALTER TABLE trackai.conversion_touchpoints_before DROP CONSTRAINT conversion_touchpoints_pkey;
CREATE TABLE trackai.conversion_touchpoints (
    conversion_id bigint NOT NULL,
    click_id bigint,
    clicked_at timestamptz,
    day date NOT NULL,
    channel trackai.touch_channel NOT NULL,
    via trackai.touch_via NOT NULL,
    position smallint NOT NULL
        CONSTRAINT conversion_touchpoints_position_check CHECK (position >= 1),
    tenant_id text COLLATE "C" NOT NULL,
    campaign_id text COLLATE "C" NOT NULL,
    credit_matched numeric(10, 9) NOT NULL
        CONSTRAINT conversion_touchpoints_credit_matched_check CHECK (credit_matched BETWEEN 0 AND 1),
    credit_last_touch numeric(10, 9) NOT NULL
        CONSTRAINT conversion_touchpoints_credit_last_touch_check CHECK (credit_last_touch BETWEEN 0 AND 1),
    credit_first_touch numeric(10, 9) NOT NULL
        CONSTRAINT conversion_touchpoints_credit_first_touch_check CHECK (credit_first_touch BETWEEN 0 AND 1),
    credit_linear numeric(10, 9) NOT NULL
        CONSTRAINT conversion_touchpoints_credit_linear_check CHECK (credit_linear BETWEEN 0 AND 1),
    credit_position_based numeric(10, 9) NOT NULL
        CONSTRAINT conversion_touchpoints_credit_position_based_check CHECK (credit_position_based BETWEEN 0 AND 1),
    credit_time_decay numeric(10, 9) NOT NULL
        CONSTRAINT conversion_touchpoints_credit_time_decay_check CHECK (credit_time_decay BETWEEN 0 AND 1),
    credit_last_non_direct numeric(10, 9) NOT NULL
        CONSTRAINT conversion_touchpoints_credit_last_non_direct_check CHECK (credit_last_non_direct BETWEEN 0 AND 1),
    credit_markov numeric(10, 9) NOT NULL
        CONSTRAINT conversion_touchpoints_credit_markov_check CHECK (credit_markov BETWEEN 0 AND 1),
    credit_shapley numeric(10, 9) NOT NULL
        CONSTRAINT conversion_touchpoints_credit_shapley_check CHECK (credit_shapley BETWEEN 0 AND 1),
    -- A day is written in this order once; what changes afterwards are single rows.
    PRIMARY KEY (tenant_id, conversion_id, position, day) WITH (fillfactor = 97)
) PARTITION BY RANGE (day);
COMMENT ON TABLE trackai.conversion_touchpoints IS 'The ad clicks that led to each matched conversion, in order, and what each deserves under nine models. One partition a UTC day of the sale.';
COMMENT ON COLUMN trackai.conversion_touchpoints.tenant_id IS 'whose conversion it is';
COMMENT ON COLUMN trackai.conversion_touchpoints.conversion_id IS 'the conversion';
COMMENT ON COLUMN trackai.conversion_touchpoints.position IS 'place of the touch in the journey, from 1, the oldest';
COMMENT ON COLUMN trackai.conversion_touchpoints.day IS 'UTC day of the sale';
COMMENT ON COLUMN trackai.conversion_touchpoints.click_id IS 'the click; NULL where it was deleted';
COMMENT ON COLUMN trackai.conversion_touchpoints.clicked_at IS 'when it was; NULL where the click was deleted';
COMMENT ON COLUMN trackai.conversion_touchpoints.campaign_id IS 'campaign of the click';
COMMENT ON COLUMN trackai.conversion_touchpoints.channel IS 'channel of the click, e.g. paid_social';
COMMENT ON COLUMN trackai.conversion_touchpoints.via IS 'what led to it first: matched, click_id, browser, email or phone';
COMMENT ON COLUMN trackai.conversion_touchpoints.credit_matched IS 'share of the conversion under the model matched; a conversion''s shares sum to 1';
COMMENT ON COLUMN trackai.conversion_touchpoints.credit_last_touch IS 'share of the conversion under the model last_touch; a conversion''s shares sum to 1';
COMMENT ON COLUMN trackai.conversion_touchpoints.credit_first_touch IS 'share of the conversion under the model first_touch; a conversion''s shares sum to 1';
COMMENT ON COLUMN trackai.conversion_touchpoints.credit_linear IS 'share of the conversion under the model linear; a conversion''s shares sum to 1';
COMMENT ON COLUMN trackai.conversion_touchpoints.credit_position_based IS 'share of the conversion under the model position_based; a conversion''s shares sum to 1';
COMMENT ON COLUMN trackai.conversion_touchpoints.credit_time_decay IS 'share of the conversion under the model time_decay; a conversion''s shares sum to 1';
COMMENT ON COLUMN trackai.conversion_touchpoints.credit_last_non_direct IS 'share of the conversion under the model last_non_direct; a conversion''s shares sum to 1';
COMMENT ON COLUMN trackai.conversion_touchpoints.credit_markov IS 'share of the conversion under the model markov; a conversion''s shares sum to 1';
COMMENT ON COLUMN trackai.conversion_touchpoints.credit_shapley IS 'share of the conversion under the model shapley; a conversion''s shares sum to 1';

-- The days, attached or detached. It is written again row by row, since types of columns change.
DO $$
DECLARE
    table_name text;
    attached boolean;
    said text;
BEGIN
    FOR table_name, attached, said IN
        SELECT c.relname, i.inhrelid IS NOT NULL, obj_description(c.oid, 'pg_class')
        FROM pg_class c
        LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND NOT i.inhdetachpending
        WHERE c.relnamespace = 'trackai'::regnamespace AND c.relkind = 'r'
          AND c.relname ~ '^conversion_touchpoints_[0-9]{8}$'
        ORDER BY c.relname
    LOOP
        IF attached THEN
            EXECUTE format('ALTER TABLE trackai.conversion_touchpoints_before DETACH PARTITION trackai.%I', table_name);
        END IF;
        EXECUTE format('ALTER TABLE trackai.%I RENAME TO touchpoints_of_a_day', table_name);
        EXECUTE format('ALTER TABLE trackai.touchpoints_of_a_day DROP CONSTRAINT IF EXISTS %I', table_name || '_pkey');
        EXECUTE format(
            'CREATE TABLE trackai.%I (LIKE trackai.conversion_touchpoints INCLUDING DEFAULTS INCLUDING CONSTRAINTS'
            ' INCLUDING INDEXES)', table_name
        );
        EXECUTE format(
            'INSERT INTO trackai.%I ('
            '    conversion_id, click_id, clicked_at, day, channel, via, position, tenant_id, campaign_id,'
            '    credit_matched, credit_last_touch, credit_first_touch, credit_linear, credit_position_based,'
            '    credit_time_decay, credit_last_non_direct, credit_markov, credit_shapley'
            ') SELECT conversion_id, click_id, clicked_at, day, channel::trackai.touch_channel, via::trackai.touch_via,'
            '    position, tenant_id, campaign_id,'
            '    credit_matched, credit_last_touch, credit_first_touch, credit_linear, credit_position_based,'
            '    credit_time_decay, credit_last_non_direct, credit_markov, credit_shapley'
            ' FROM trackai.touchpoints_of_a_day ORDER BY tenant_id, conversion_id, position', table_name
        );
        EXECUTE format('COMMENT ON TABLE trackai.%I IS %L', table_name, said);
        IF attached THEN
            EXECUTE format(
                'ALTER TABLE trackai.conversion_touchpoints ATTACH PARTITION trackai.%I FOR VALUES FROM (%L) TO (%L)',
                table_name, right(table_name, 8)::date, right(table_name, 8)::date + 1
            );
        END IF;
        DROP TABLE trackai.touchpoints_of_a_day;
    END LOOP;
END $$;
-- squawk-ignore ban-drop-table
DROP TABLE trackai.conversion_touchpoints_before;

CREATE VIEW trackai.v_conversion_credits AS
SELECT t.tenant_id, t.conversion_id, t.day, t.position, t.click_id, t.clicked_at, t.campaign_id,
       t.channel::text COLLATE "C" AS channel,
       t.via::text COLLATE "C" AS via,
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

CREATE VIEW trackai.v_platform_claims AS
SELECT p.tenant_id,
       p.campaign_id,
       p.date,
       sum(p.claimed) AS claimed,
       sum(p.matched)::bigint AS matched,
       sum(p.sent)::bigint AS sent
FROM (
    SELECT d.tenant_id, d.campaign_id, d.date, d.platform_conversions AS claimed, d.conversions AS matched, 0 AS sent
    FROM trackai.campaign_analytics_daily d
    UNION ALL
    SELECT t.tenant_id, t.campaign_id, t.day, NULL, 0, 1
    FROM trackai.conversion_touchpoints t
    WHERE t.credit_matched = 1
      AND (
          EXISTS (
              SELECT FROM trackai.dispatch_attempts a
              WHERE a.tenant_id = t.tenant_id AND a.conversion_id = t.conversion_id AND a.status = 'success'
          )
          OR EXISTS (
              SELECT FROM trackai.past_deliveries b
              WHERE b.tenant_id = t.tenant_id AND b.conversion_id = t.conversion_id
          )
      )
) p
GROUP BY p.tenant_id, p.campaign_id, p.date;
COMMENT ON VIEW trackai.v_platform_claims IS 'What ad platforms claim of each campaign and day, next to what was matched here and what of that was sent to Meta.';
COMMENT ON COLUMN trackai.v_platform_claims.tenant_id IS 'whose campaign it is';
COMMENT ON COLUMN trackai.v_platform_claims.campaign_id IS 'the campaign (campaigns.campaign_id)';
COMMENT ON COLUMN trackai.v_platform_claims.date IS 'UTC day of sales and costs';
COMMENT ON COLUMN trackai.v_platform_claims.claimed IS 'conversions that the platforms claim; NULL when not given';
COMMENT ON COLUMN trackai.v_platform_claims.matched IS 'conversions matched to its clicks';
COMMENT ON COLUMN trackai.v_platform_claims.sent IS 'those of them that Meta accepted from us; 0 once the day''s touches have left';

COMMENT ON COLUMN trackai.campaign_credit_daily.computed_at IS 'when the row became as it is; one that is computed again and stays the same keeps its time';
COMMENT ON COLUMN trackai.campaign_trend_data.computed_at IS 'when the row was last computed; an hourly one that stays the same keeps its time';
