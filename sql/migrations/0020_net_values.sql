-- What went back of a day's sales, next to their values. The generated columns rewrite the table, which has a row for each
-- tenant, day, gateway and currency: seconds, in which only reports and the aggregate wait.
ALTER TABLE trackai.daily_match_rates ADD COLUMN refunds bigint NOT NULL DEFAULT 0;
ALTER TABLE trackai.daily_match_rates ADD COLUMN refunded_total numeric NOT NULL DEFAULT 0;
ALTER TABLE trackai.daily_match_rates ADD COLUMN refunded_matched numeric NOT NULL DEFAULT 0;
ALTER TABLE trackai.daily_match_rates ADD COLUMN net_total numeric GENERATED ALWAYS AS (value_total - refunded_total) STORED;
ALTER TABLE trackai.daily_match_rates ADD COLUMN net_matched numeric GENERATED ALWAYS AS (value_matched - refunded_matched) STORED;

COMMENT ON COLUMN trackai.daily_match_rates.refunds IS 'refunds and chargebacks of the day''s sales, whenever they were made; those in the sale''s currency';
COMMENT ON COLUMN trackai.daily_match_rates.refunded_total IS 'what they gave back, in units of the currency; of a sale at most its value';
COMMENT ON COLUMN trackai.daily_match_rates.refunded_matched IS 'what was given back of the matched conversions';
COMMENT ON COLUMN trackai.daily_match_rates.net_total IS 'value_total - refunded_total';
COMMENT ON COLUMN trackai.daily_match_rates.net_matched IS 'value_matched - refunded_matched';
