-- Spend that no click can be found for.

-- Given a tenant, the unique key of ad_cost_statements and the primary keys of campaigns and campaign_aliases serve it.
CREATE VIEW trackai.v_unjoined_spend AS
SELECT v.tenant_id, v.date, v.source, v.account_id, v.platform_campaign_id, v.campaign_id, v.currency,
       sum(v.spend) AS spend, sum(v.ad_clicks)::bigint AS ad_clicks
FROM trackai.v_counted_ad_costs v
WHERE NOT EXISTS (
    SELECT
    FROM trackai.campaigns k
    WHERE k.tenant_id = v.tenant_id AND k.clicked
      AND (
          k.campaign_id = v.campaign_id
          OR k.campaign_id IN (
              SELECT a.alias
              FROM trackai.campaign_aliases a
              WHERE a.tenant_id = v.tenant_id AND a.campaign_id = v.campaign_id
          )
      )
)
GROUP BY v.tenant_id, v.date, v.source, v.account_id, v.platform_campaign_id, v.campaign_id, v.currency
HAVING sum(v.spend) > 0;
COMMENT ON VIEW trackai.v_unjoined_spend IS 'Spend of campaigns that no click has ever named, by its own name or an alias.';
COMMENT ON COLUMN trackai.v_unjoined_spend.tenant_id IS 'whose costs they are';
COMMENT ON COLUMN trackai.v_unjoined_spend.date IS 'UTC day that they are booked on';
COMMENT ON COLUMN trackai.v_unjoined_spend.source IS 'the ad platform, e.g. meta, google or tiktok';
COMMENT ON COLUMN trackai.v_unjoined_spend.account_id IS 'the platform''s id of the account; empty when not given';
COMMENT ON COLUMN trackai.v_unjoined_spend.platform_campaign_id IS 'the platform''s id of the campaign';
COMMENT ON COLUMN trackai.v_unjoined_spend.campaign_id IS 'the campaign that the costs are joined to';
COMMENT ON COLUMN trackai.v_unjoined_spend.currency IS 'ISO 4217 code of the spend';
COMMENT ON COLUMN trackai.v_unjoined_spend.spend IS 'cost, in units of the currency';
COMMENT ON COLUMN trackai.v_unjoined_spend.ad_clicks IS 'clicks that the platform counted';
