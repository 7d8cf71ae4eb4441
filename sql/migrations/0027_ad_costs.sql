-- Views of what ads cost: the newest statements, and those that count, each joined to a campaign.

-- Which campaigns clicks have named; of others, costs and files speak alone -----------------------------------------

ALTER TABLE trackai.campaigns ADD COLUMN clicked boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN trackai.campaigns.clicked IS 'whether a click has named it, even one that has left since';
-- So far only clicks registered campaigns. Those that are listed, too, are found by the nightly job link_users.
UPDATE trackai.campaigns SET clicked = true WHERE updated_at IS NULL;

-- Names of the platforms' campaigns ----------------------------------------------------------------------------------

CREATE TABLE trackai.ad_campaign_names (
    tenant_id text COLLATE "C" NOT NULL REFERENCES trackai.tenants (id),
    source text COLLATE "C" NOT NULL CHECK (source <> ''),
    campaign_id text COLLATE "C" NOT NULL CHECK (length(campaign_id) BETWEEN 1 AND 512),
    name text COLLATE "C" NOT NULL CHECK (length(name) BETWEEN 1 AND 512),
    first_stated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, source, campaign_id, name)
);
COMMENT ON TABLE trackai.ad_campaign_names IS 'Every name that the campaigns of ad platforms were stated with. Links that carry a name keep the first one after a rename.';
COMMENT ON COLUMN trackai.ad_campaign_names.tenant_id IS 'whose campaign it is';
COMMENT ON COLUMN trackai.ad_campaign_names.source IS 'the ad platform, e.g. meta, google or tiktok';
COMMENT ON COLUMN trackai.ad_campaign_names.campaign_id IS 'the platform''s id of the campaign';
COMMENT ON COLUMN trackai.ad_campaign_names.name IS 'a name that it was stated with, trimmed';
COMMENT ON COLUMN trackai.ad_campaign_names.first_stated_at IS 'when it was stated with that name first';

-- The names of a campaign have their own table.
DROP INDEX trackai.ad_cost_statements_by_campaign;

-- Functions ------------------------------------------------------------------------------------------------------------

-- As before, but `{1}` is no template's name.
CREATE OR REPLACE FUNCTION trackai.campaign_of(utm_campaign text, alias text DEFAULT NULL) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN coalesce(trackai.trimmed(utm_campaign), '(none)') = '(none)' THEN '(none)'
    WHEN alias IS NOT NULL THEN alias
    WHEN utm_campaign ~ '[{][{].*[}][}]|[{][A-Za-z_][A-Za-z0-9_]*[}]|__[A-Z][A-Z0-9_]*__|%7[Bb]' THEN '(macro)'
    ELSE left(trackai.trimmed(utm_campaign), 512)
END;

-- The UTC moment at which an hour of a zone's day begins, by PostgreSQL: an hour that the clocks skip is moved on by the
-- gap, one that they repeat is the later of the two.
CREATE FUNCTION trackai.later_hour_start(day date, hour smallint, time_zone text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (day + make_interval(hours => hour)) AT TIME ZONE time_zone;

-- The same by the offset of half a day before.
CREATE FUNCTION trackai.earlier_hour_start(day date, hour smallint, time_zone text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    day + make_interval(hours => hour)
    - (
        (trackai.later_hour_start(day, hour, time_zone) - interval '12 hours') AT TIME ZONE time_zone
        - (trackai.later_hour_start(day, hour, time_zone) - interval '12 hours') AT TIME ZONE 'UTC'
    )
) AT TIME ZONE 'UTC';

-- The UTC moment at which an hour of a zone's day begins: of an hour that the clocks repeat the earlier, where its
-- offset is right; an hour that they skip is moved on by the gap.
CREATE FUNCTION trackai.hour_start(day date, hour smallint, time_zone text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN trackai.earlier_hour_start(day, hour, time_zone) AT TIME ZONE time_zone = day + make_interval(hours => hour)
        THEN trackai.earlier_hour_start(day, hour, time_zone)
    ELSE trackai.later_hour_start(day, hour, time_zone)
END;

-- x/0, 0/0 and anything with NULL: NULL.
CREATE FUNCTION trackai.ratio(numerator numeric, denominator numeric, digits integer DEFAULT 12) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN round(numerator / nullif(denominator, 0), digits);

-- Views ------------------------------------------------------------------------------------------------------------------

-- Given a tenant and days, the unique key of ad_cost_statements serves it. The order of statements decides, so the order
-- in which they arrived never does.
CREATE VIEW trackai.ad_costs AS
SELECT s.tenant_id, s.id, s.source, s.account_id, s.campaign_id, s.adset_id, s.ad_id, s.day, s.hour,
       CASE WHEN s.hour >= 0 THEN trackai.hour_start(s.day, s.hour, coalesce(a.time_zone, 'UTC')) END AS hour_start,
       s.campaign_name, s.adset_name, s.ad_name, s.utm_campaign, s.currency, s.spend, s.impressions, s.clicks,
       s.link_clicks, s.engagements, s.reach, s.video_views, s.platform_conversions, s.platform_conversion_value,
       s.first_stated_at, s.last_stated_at
FROM (
    SELECT DISTINCT ON (tenant_id, day, source, account_id, campaign_id, adset_id, ad_id, hour) *
    FROM trackai.ad_cost_statements
    ORDER BY tenant_id, day, source, account_id, campaign_id, adset_id, ad_id, hour,
             last_stated_at DESC, spend DESC, impressions DESC, clicks DESC, digest DESC
) s
LEFT JOIN trackai.ad_accounts a
    ON a.tenant_id = s.tenant_id AND a.source = s.source AND a.account_id = s.account_id;
COMMENT ON VIEW trackai.ad_costs IS 'What ads cost as it was stated last: campaigns, ad sets and ads, days and hours next to each other. v_counted_ad_costs has what may be summed.';
COMMENT ON COLUMN trackai.ad_costs.tenant_id IS 'whose costs they are';
COMMENT ON COLUMN trackai.ad_costs.id IS 'number of the statement';
COMMENT ON COLUMN trackai.ad_costs.source IS 'the ad platform, e.g. meta, google or tiktok';
COMMENT ON COLUMN trackai.ad_costs.account_id IS 'the platform''s id of the account; empty when not given';
COMMENT ON COLUMN trackai.ad_costs.campaign_id IS 'the platform''s id of the campaign';
COMMENT ON COLUMN trackai.ad_costs.adset_id IS 'the platform''s id of the ad set or ad group; empty: the row is of the whole campaign';
COMMENT ON COLUMN trackai.ad_costs.ad_id IS 'the platform''s id of the ad; empty: the row is of the whole ad set or campaign';
COMMENT ON COLUMN trackai.ad_costs.day IS 'day of the account''s time zone';
COMMENT ON COLUMN trackai.ad_costs.hour IS 'hour of the account''s time zone; -1: the whole day';
COMMENT ON COLUMN trackai.ad_costs.hour_start IS 'when the hour begins, by the account''s time zone; NULL for a whole day';
COMMENT ON COLUMN trackai.ad_costs.campaign_name IS 'name of the campaign when it was stated; NULL when not given';
COMMENT ON COLUMN trackai.ad_costs.adset_name IS 'name of the ad set or ad group; NULL when not given';
COMMENT ON COLUMN trackai.ad_costs.ad_name IS 'name of the ad; NULL when not given';
COMMENT ON COLUMN trackai.ad_costs.utm_campaign IS 'utm_campaign that the platform''s links carry; NULL when not given';
COMMENT ON COLUMN trackai.ad_costs.currency IS 'ISO 4217 code of the amounts';
COMMENT ON COLUMN trackai.ad_costs.spend IS 'cost, in units of the currency';
COMMENT ON COLUMN trackai.ad_costs.impressions IS 'how often ads were shown';
COMMENT ON COLUMN trackai.ad_costs.clicks IS 'clicks of any sort that the platform counted';
COMMENT ON COLUMN trackai.ad_costs.link_clicks IS 'clicks on links that the platform counted; NULL when not given';
COMMENT ON COLUMN trackai.ad_costs.engagements IS 'engagements that the platform counted; NULL when not given';
COMMENT ON COLUMN trackai.ad_costs.reach IS 'people reached, as the platform says; never summed; NULL when not given';
COMMENT ON COLUMN trackai.ad_costs.video_views IS 'video views; NULL when not given';
COMMENT ON COLUMN trackai.ad_costs.platform_conversions IS 'conversions that the platform claims; NULL when not given';
COMMENT ON COLUMN trackai.ad_costs.platform_conversion_value IS 'value of the claimed conversions; NULL when not given';
COMMENT ON COLUMN trackai.ad_costs.first_stated_at IS 'when this was stated first';
COMMENT ON COLUMN trackai.ad_costs.last_stated_at IS 'when this was stated last';

-- One level counts: campaign rows before ad-set rows before ad rows of a platform's campaign and day. Within it, the
-- hours of a campaign, ad set or ad count where they add up to its day within a cent an hour, or where it has no day.
-- The campaign is, in this order: what an alias of the platform's id means; a campaign with this id that a click or a
-- file has named; what the row's utm_campaign means; the earliest of its names that clicks carry; the id itself. Load
-- registers the same (campaigns/register_campaigns_of_costs).
-- Callers give tenant_id and a range of `day`, which reach the index: a UTC day lies in three days of the accounts.
CREATE VIEW trackai.v_counted_ad_costs AS
SELECT c.tenant_id, c.source, c.account_id, c.campaign_id AS platform_campaign_id, c.adset_id, c.ad_id, c.day, c.hour,
       CASE WHEN c.hour < 0 THEN c.day ELSE (c.hour_start AT TIME ZONE 'UTC')::date END AS date,
       c.hour_start,
       coalesce(
           (
               SELECT a.campaign_id
               FROM trackai.campaign_aliases a
               WHERE a.tenant_id = c.tenant_id AND a.source IN (c.source, '') AND a.alias = c.campaign_id
               ORDER BY a.source DESC
               LIMIT 1
           ),
           (
               SELECT k.campaign_id
               FROM trackai.campaigns k
               WHERE k.tenant_id = c.tenant_id AND k.campaign_id = c.campaign_id
                 AND (k.clicked OR k.updated_at IS NOT NULL)
           ),
           (
               SELECT a.campaign_id
               FROM trackai.campaign_aliases a
               WHERE a.tenant_id = c.tenant_id AND a.source IN (c.source, '')
                 AND a.alias = trackai.trimmed(c.utm_campaign)
               ORDER BY a.source DESC
               LIMIT 1
           ),
           nullif(nullif(trackai.campaign_of(c.utm_campaign), '(none)'), '(macro)') COLLATE "C",
           (
               SELECT coalesce(a.campaign_id, n.name)
               FROM trackai.ad_campaign_names n
               LEFT JOIN LATERAL (
                   SELECT x.campaign_id
                   FROM trackai.campaign_aliases x
                   WHERE x.tenant_id = c.tenant_id AND x.source IN (c.source, '') AND x.alias = n.name
                   ORDER BY x.source DESC
                   LIMIT 1
               ) a ON true
               WHERE n.tenant_id = c.tenant_id AND n.source = c.source AND n.campaign_id = c.campaign_id
                 AND EXISTS (
                     SELECT
                     FROM trackai.campaigns k
                     WHERE k.tenant_id = c.tenant_id AND k.campaign_id IN (n.name, a.campaign_id) AND k.clicked
                 )
               ORDER BY n.first_stated_at, n.name
               LIMIT 1
           ),
           c.campaign_id
       ) AS campaign_id,
       c.currency, c.spend, c.impressions, coalesce(c.link_clicks, c.clicks) AS ad_clicks, c.engagements,
       c.platform_conversions, c.platform_conversion_value,
       CASE WHEN c.hour < 0 THEN 'account_day' ELSE 'hours' END AS cost_basis,
       c.last_stated_at
FROM (
    SELECT l.*,
           min(l.level) OVER of_campaign AS counted_level,
           count(*) FILTER (WHERE l.hour >= 0) OVER of_unit AS hours,
           sum(l.spend) FILTER (WHERE l.hour >= 0) OVER of_unit AS spend_of_hours,
           -- NULL where there is no day.
           min(l.spend) FILTER (WHERE l.hour < 0) OVER of_unit AS spend_of_day,
           min(l.currency) OVER of_unit = max(l.currency) OVER of_unit AS one_currency
    FROM (
        SELECT *, CASE WHEN ad_id <> '' THEN 3 WHEN adset_id <> '' THEN 2 ELSE 1 END AS level
        FROM trackai.ad_costs
    ) l
    WINDOW of_campaign AS (PARTITION BY l.tenant_id, l.day, l.source, l.account_id, l.campaign_id),
           of_unit AS (PARTITION BY l.tenant_id, l.day, l.source, l.account_id, l.campaign_id, l.adset_id, l.ad_id)
) c
WHERE c.level = c.counted_level
  AND (c.hour >= 0) = (
      c.hours > 0
      AND (
          c.spend_of_day IS NULL
          OR (c.one_currency AND abs(c.spend_of_hours - c.spend_of_day) <= 0.01 * c.hours)
      )
  );
COMMENT ON VIEW trackai.v_counted_ad_costs IS 'Costs that count, each on one UTC day and joined to one campaign: what may be summed.';
COMMENT ON COLUMN trackai.v_counted_ad_costs.tenant_id IS 'whose costs they are';
COMMENT ON COLUMN trackai.v_counted_ad_costs.source IS 'the ad platform, e.g. meta, google or tiktok';
COMMENT ON COLUMN trackai.v_counted_ad_costs.account_id IS 'the platform''s id of the account; empty when not given';
COMMENT ON COLUMN trackai.v_counted_ad_costs.platform_campaign_id IS 'the platform''s id of the campaign';
COMMENT ON COLUMN trackai.v_counted_ad_costs.adset_id IS 'the platform''s id of the ad set or ad group; empty: the row is of the whole campaign';
COMMENT ON COLUMN trackai.v_counted_ad_costs.ad_id IS 'the platform''s id of the ad; empty: the row is of the whole ad set or campaign';
COMMENT ON COLUMN trackai.v_counted_ad_costs.day IS 'day of the account''s time zone';
COMMENT ON COLUMN trackai.v_counted_ad_costs.hour IS 'hour of the account''s time zone; -1: the whole day';
COMMENT ON COLUMN trackai.v_counted_ad_costs.date IS 'UTC day that it is booked on: that of the hour''s start, or the account''s day';
COMMENT ON COLUMN trackai.v_counted_ad_costs.hour_start IS 'when the hour begins; NULL for a whole day';
COMMENT ON COLUMN trackai.v_counted_ad_costs.campaign_id IS 'the campaign (campaigns.campaign_id)';
COMMENT ON COLUMN trackai.v_counted_ad_costs.currency IS 'ISO 4217 code of the amounts';
COMMENT ON COLUMN trackai.v_counted_ad_costs.spend IS 'cost, in units of the currency';
COMMENT ON COLUMN trackai.v_counted_ad_costs.impressions IS 'how often ads were shown';
COMMENT ON COLUMN trackai.v_counted_ad_costs.ad_clicks IS 'clicks that the platform counted: link clicks, else clicks';
COMMENT ON COLUMN trackai.v_counted_ad_costs.engagements IS 'engagements that the platform counted; NULL when not given';
COMMENT ON COLUMN trackai.v_counted_ad_costs.platform_conversions IS 'conversions that the platform claims; NULL when not given';
COMMENT ON COLUMN trackai.v_counted_ad_costs.platform_conversion_value IS 'value of the claimed conversions; NULL when not given';
COMMENT ON COLUMN trackai.v_counted_ad_costs.cost_basis IS 'hours, or account_day: the UTC day has the name of the account''s day';
COMMENT ON COLUMN trackai.v_counted_ad_costs.last_stated_at IS 'when this was stated last';
