-- Which days of campaigns are due, who bought, and what the figures say together.

-- Due days -------------------------------------------------------------------------------------------------------------

CREATE TABLE trackai.campaign_scans (
    tenant_id text COLLATE "C" NOT NULL REFERENCES trackai.tenants (id),
    scanned_to timestamptz NOT NULL,
    PRIMARY KEY (tenant_id)
);
COMMENT ON TABLE trackai.campaign_scans IS 'Up to when each tenant''s facts were looked through for days whose campaign figures they change.';
COMMENT ON COLUMN trackai.campaign_scans.tenant_id IS 'whose facts they are';
COMMENT ON COLUMN trackai.campaign_scans.scanned_to IS 'facts that arrived before are in the figures; later ones are still to be looked through';

-- The time zone decides which UTC day an hour of costs belongs to.
ALTER TABLE trackai.ad_accounts ADD COLUMN time_zone_changed_at timestamptz;
COMMENT ON COLUMN trackai.ad_accounts.time_zone_changed_at IS 'when its time zone was last corrected; NULL: never';

-- Clicks that arrived late. They arrive in order, so a block range index is small and precise.
CREATE INDEX clicks_by_arrival ON trackai.clicks USING brin (ingested_at timestamptz_minmax_multi_ops)
    WITH (pages_per_range = 32, autosummarize = on);
-- Buyers who are to be forgotten.
CREATE INDEX buyers_remembered ON trackai.buyers (tenant_id, last_day) WHERE buyer_key IS NOT NULL;

-- Buyers ---------------------------------------------------------------------------------------------------------------

-- What a sale shows of who bought: the e-mail hash, else the phone hash; no hash that stands for nobody.
CREATE FUNCTION trackai.buyer_contact(email_hash text, phone_hash text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(trackai.contact_hash(email_hash), trackai.contact_hash(phone_hash));

-- What buyers are recognised by once the hash has left their sales. Nothing leads from it to the hash of another tenant.
CREATE FUNCTION trackai.buyer_key(tenant_id text, contact text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN encode(sha256(convert_to(tenant_id || chr(31) || contact, 'UTF8')), 'hex');

-- Views ----------------------------------------------------------------------------------------------------------------

CREATE VIEW trackai.v_campaign_performance_summary AS
SELECT s.tenant_id,
       s.campaign_id,
       s.currency,
       s.total_impressions,
       s.total_clicks,
       s.total_conversions,
       s.total_revenue,
       s.total_spend,
       round(100 * (s.total_revenue - s.total_spend) / nullif(s.total_spend, 0), 2) AS roi,
       round(s.total_revenue / nullif(s.total_spend, 0), 4) AS roas,
       s.avg_roi,
       s.latest_date
FROM (
    SELECT d.tenant_id,
           d.campaign_id,
           d.currency,
           sum(d.impressions)::bigint AS total_impressions,
           sum(d.clicks)::bigint AS total_clicks,
           sum(d.conversions)::bigint AS total_conversions,
           CASE WHEN bool_and(d.revenue IS NOT NULL) THEN sum(d.revenue) END AS total_revenue,
           CASE WHEN bool_and(d.spend IS NOT NULL OR d.cost_basis = 'none') THEN sum(d.spend) END AS total_spend,
           round(avg(d.roi), 2) AS avg_roi,
           max(d.date) AS latest_date
    FROM (
        -- Days without amounts have no currency: they count with the campaign's others, where these have one.
        SELECT a.tenant_id, a.campaign_id, a.date, a.impressions, a.clicks, a.conversions, a.revenue, a.spend,
               a.cost_basis, a.roi,
               CASE WHEN min(a.currency) OVER w = max(a.currency) OVER w THEN min(a.currency) OVER w ELSE a.currency END
                   AS currency
        FROM trackai.campaign_analytics_daily a
        WHERE a.date > (now() AT TIME ZONE 'UTC')::date - 90 AND a.date <= (now() AT TIME ZONE 'UTC')::date
        WINDOW w AS (PARTITION BY a.tenant_id, a.campaign_id)
    ) d
    GROUP BY d.tenant_id, d.campaign_id, d.currency
) s;
COMMENT ON VIEW trackai.v_campaign_performance_summary IS 'Each campaign over the 90 UTC days that end today.';
COMMENT ON COLUMN trackai.v_campaign_performance_summary.tenant_id IS 'whose campaign it is';
COMMENT ON COLUMN trackai.v_campaign_performance_summary.campaign_id IS 'the campaign (campaigns.campaign_id)';
COMMENT ON COLUMN trackai.v_campaign_performance_summary.currency IS 'ISO 4217 code of the amounts; NULL for days with none, or several';
COMMENT ON COLUMN trackai.v_campaign_performance_summary.total_impressions IS 'how often ads were shown, as the platforms say';
COMMENT ON COLUMN trackai.v_campaign_performance_summary.total_clicks IS 'clicks that arrived here';
COMMENT ON COLUMN trackai.v_campaign_performance_summary.total_conversions IS 'conversions matched to its clicks';
COMMENT ON COLUMN trackai.v_campaign_performance_summary.total_revenue IS 'their value, gross of refunds; NULL where that of a day is unknown';
COMMENT ON COLUMN trackai.v_campaign_performance_summary.total_spend IS 'what it cost; NULL where no cost was stated, or that of a day is unknown';
COMMENT ON COLUMN trackai.v_campaign_performance_summary.roi IS '100 * (total_revenue - total_spend) / total_spend, in percent; NULL where spend is 0 or unknown';
COMMENT ON COLUMN trackai.v_campaign_performance_summary.roas IS 'total_revenue / total_spend; NULL where spend is 0 or unknown';
COMMENT ON COLUMN trackai.v_campaign_performance_summary.avg_roi IS 'mean of the days'' ROI, which is not the ROI of the 90 days';
COMMENT ON COLUMN trackai.v_campaign_performance_summary.latest_date IS 'newest day with figures';

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

CREATE VIEW trackai.v_tenant_efficiency AS
SELECT e.tenant_id,
       e.date,
       e.currency,
       sum(e.revenue) AS revenue,
       sum(e.spend) AS spend,
       sum(e.new_customers)::bigint AS new_customers,
       round(sum(e.revenue) / nullif(sum(e.spend), 0), 4) AS mer,
       round(sum(e.spend) / nullif(sum(e.new_customers), 0), 4) AS ncac
FROM (
    SELECT r.tenant_id, r.day AS date, r.currency::text COLLATE "C" AS currency, r.value_total AS revenue,
           NULL::numeric AS spend, 0 AS new_customers
    FROM trackai.daily_match_rates r
    UNION ALL
    SELECT m.tenant_id, m.date, m.currency, 0, m.spend, 0
    FROM trackai.campaign_daily_money m
    UNION ALL
    SELECT b.tenant_id, b.day, coalesce(c.currency::text, 'XXX') COLLATE "C", 0, NULL, 1
    FROM trackai.conversion_buyers b
    JOIN trackai.conversions c ON c.tenant_id = b.tenant_id AND c.id = b.conversion_id
    WHERE b.sale_number = 1
) e
GROUP BY e.tenant_id, e.date, e.currency;
COMMENT ON VIEW trackai.v_tenant_efficiency IS 'All revenue of a tenant''s day, matched or not, against all that its campaigns cost.';
COMMENT ON COLUMN trackai.v_tenant_efficiency.tenant_id IS 'whose day it is';
COMMENT ON COLUMN trackai.v_tenant_efficiency.date IS 'UTC day of sales and costs';
COMMENT ON COLUMN trackai.v_tenant_efficiency.currency IS 'ISO 4217 code of the amounts, never converted; XXX for sales without one';
COMMENT ON COLUMN trackai.v_tenant_efficiency.revenue IS 'value of all conversions, matched or not, gross of refunds';
COMMENT ON COLUMN trackai.v_tenant_efficiency.spend IS 'what campaigns cost; NULL where no cost was stated';
COMMENT ON COLUMN trackai.v_tenant_efficiency.new_customers IS 'buyers whose first conversion it was, matched or not, as far as they are remembered';
COMMENT ON COLUMN trackai.v_tenant_efficiency.mer IS 'revenue / spend, the marketing efficiency ratio; NULL where spend is 0 or unknown';
COMMENT ON COLUMN trackai.v_tenant_efficiency.ncac IS 'spend / new_customers, what a new customer cost; NULL without new customers or spend';
