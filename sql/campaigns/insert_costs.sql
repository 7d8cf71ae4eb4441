-- Staged statements of costs become rows of ad_cost_statements. One that is there already keeps its row, whose times may
-- move; returns how many are new. Any order of files, and loading one twice, gives the same rows.
-- Index: the unique key, in whose order rows are written, so two loaders lock them in one order.
WITH stated AS (
    SELECT DISTINCT ON (tenant_id, day, source, account_id, campaign_id, adset_id, ad_id, hour, digest)
           *, min(last_stated_at) OVER same AS first_stated_at
    FROM pg_temp.staged_ad_costs
    WINDOW same AS (PARTITION BY tenant_id, day, source, account_id, campaign_id, adset_id, ad_id, hour, digest)
    ORDER BY tenant_id, day, source, account_id, campaign_id, adset_id, ad_id, hour, digest, last_stated_at DESC
), moved AS (
    INSERT INTO trackai.ad_cost_statements AS c
        (tenant_id, day, source, account_id, campaign_id, adset_id, ad_id, hour, digest,
         campaign_name, adset_name, ad_name, utm_campaign, currency, spend, impressions, clicks, link_clicks, engagements,
         reach, video_views, platform_conversions, platform_conversion_value,
         first_stated_at, last_stated_at, ingested_at)
    SELECT tenant_id, day, source, coalesce(account_id, ''), campaign_id, coalesce(adset_id, ''), coalesce(ad_id, ''), hour,
           digest, campaign_name, adset_name, ad_name, utm_campaign, currency, spend, impressions, clicks, link_clicks,
           engagements, reach, video_views, platform_conversions, platform_conversion_value,
           first_stated_at, last_stated_at, %(now)s
    FROM stated
    ORDER BY tenant_id, day, source, account_id, campaign_id, adset_id, ad_id, hour, digest
    ON CONFLICT (tenant_id, day, source, account_id, campaign_id, adset_id, ad_id, hour, digest) DO UPDATE
    SET first_stated_at = least(c.first_stated_at, excluded.first_stated_at),
        last_stated_at = greatest(c.last_stated_at, excluded.last_stated_at),
        ingested_at = excluded.ingested_at
    WHERE excluded.first_stated_at < c.first_stated_at OR excluded.last_stated_at > c.last_stated_at
    -- A row that was there has the number of the transaction that changes it.
    RETURNING c.xmax = 0 AS new
)
SELECT count(*) FILTER (WHERE new) FROM moved
