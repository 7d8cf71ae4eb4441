-- What holdout tests of campaigns say next to what was matched and spent.

CREATE VIEW trackai.v_campaign_incrementality AS
SELECT l.tenant_id, l.campaign_id, l.from_day, l.to_day, l.method, l.source, l.stated_at,
       l.incremental_conversions, l.ci_low, l.ci_high, l.incremental_revenue, l.currency,
       m.conversions, m.spend,
       trackai.ratio(l.incremental_conversions, m.conversions) AS factor,
       trackai.ratio(l.ci_low, m.conversions) AS factor_low,
       trackai.ratio(l.ci_high, m.conversions) AS factor_high,
       trackai.ratio(l.incremental_revenue, m.spend) AS iroas
FROM (
    SELECT DISTINCT ON (tenant_id, campaign_id, from_day, to_day, method) *
    FROM trackai.campaign_lifts
    ORDER BY tenant_id, campaign_id, from_day, to_day, method, stated_at DESC, source
) l
CROSS JOIN LATERAL (
    SELECT sum(d.conversions)::bigint AS conversions,
           -- In the currency of the revenue, and unknown where some was in another.
           CASE
               WHEN bool_and(d.currency = l.currency) FILTER (WHERE d.spend > 0)
                   THEN sum(d.spend) FILTER (WHERE d.currency = l.currency)
           END AS spend
    FROM trackai.campaign_daily_money d
    WHERE d.tenant_id = l.tenant_id AND d.campaign_id = l.campaign_id AND d.date BETWEEN l.from_day AND l.to_day
) m;
COMMENT ON VIEW trackai.v_campaign_incrementality IS 'Results of holdout tests, the newest of each campaign, range and method, next to what was matched and spent in those days.';
COMMENT ON COLUMN trackai.v_campaign_incrementality.tenant_id IS 'whose campaign it is';
COMMENT ON COLUMN trackai.v_campaign_incrementality.campaign_id IS 'the campaign (campaigns.campaign_id)';
COMMENT ON COLUMN trackai.v_campaign_incrementality.from_day IS 'first UTC day of the test';
COMMENT ON COLUMN trackai.v_campaign_incrementality.to_day IS 'last UTC day of the test';
COMMENT ON COLUMN trackai.v_campaign_incrementality.method IS 'how it was measured, e.g. geo holdout';
COMMENT ON COLUMN trackai.v_campaign_incrementality.source IS 'who measured it; empty when not given';
COMMENT ON COLUMN trackai.v_campaign_incrementality.stated_at IS 'when it was stated';
COMMENT ON COLUMN trackai.v_campaign_incrementality.incremental_conversions IS 'conversions that would not have been without the campaign';
COMMENT ON COLUMN trackai.v_campaign_incrementality.ci_low IS 'lower end of their interval; NULL when not given';
COMMENT ON COLUMN trackai.v_campaign_incrementality.ci_high IS 'upper end of their interval; NULL when not given';
COMMENT ON COLUMN trackai.v_campaign_incrementality.incremental_revenue IS 'revenue that would not have been; NULL when not measured';
COMMENT ON COLUMN trackai.v_campaign_incrementality.currency IS 'ISO 4217 code of the revenue';
COMMENT ON COLUMN trackai.v_campaign_incrementality.conversions IS 'matched conversions of those days, in any currency; NULL where none were computed';
COMMENT ON COLUMN trackai.v_campaign_incrementality.spend IS 'what the campaign cost in those days, in the currency of the revenue; NULL where nothing was spent, or some in another currency';
COMMENT ON COLUMN trackai.v_campaign_incrementality.factor IS 'incremental_conversions / conversions: what a matched conversion is worth; NULL without any';
COMMENT ON COLUMN trackai.v_campaign_incrementality.factor_low IS 'ci_low / conversions';
COMMENT ON COLUMN trackai.v_campaign_incrementality.factor_high IS 'ci_high / conversions';
COMMENT ON COLUMN trackai.v_campaign_incrementality.iroas IS 'incremental_revenue / spend; NULL where spend is 0 or unknown';
