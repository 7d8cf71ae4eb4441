-- Whoever counts clicks by campaign needs their keys and UTM values, too. Joining clicks to a view of themselves for that
-- was planned as a loop over all pairs where the table's statistics were older than its rows.

CREATE OR REPLACE VIEW trackai.click_campaigns AS
SELECT k.tenant_id,
       k.id AS click_id,
       k.created_at,
       trackai.campaign_of(k.utm_campaign, coalesce(own.campaign_id, general.campaign_id)) COLLATE "C" AS campaign_id,
       trackai.channel_of(k.utm_source, k.utm_medium, k.utm_campaign, trackai.click_key(k.fbc, k.fbclid) IS NOT NULL)
           COLLATE "C" AS channel,
       trackai.click_key(k.fbc, k.fbclid) AS click_key,
       trackai.browser_key(k.fbp) AS browser_key,
       trackai.trimmed(k.utm_content) AS utm_content,
       trackai.trimmed(k.utm_term) AS utm_term
FROM trackai.clicks k
LEFT JOIN trackai.campaign_aliases own
    ON own.tenant_id = k.tenant_id
    AND own.alias = trackai.trimmed(k.utm_campaign)
    AND own.source = lower(trackai.trimmed(k.utm_source))
LEFT JOIN trackai.campaign_aliases general
    ON general.tenant_id = k.tenant_id
    AND general.alias = trackai.trimmed(k.utm_campaign)
    AND general.source = '';
COMMENT ON COLUMN trackai.click_campaigns.click_key IS 'its well-formed click id; NULL where it has none';
COMMENT ON COLUMN trackai.click_campaigns.browser_key IS 'its well-formed browser id; NULL where it has none';
COMMENT ON COLUMN trackai.click_campaigns.utm_content IS 'its utm_content, trimmed; NULL where it has none';
COMMENT ON COLUMN trackai.click_campaigns.utm_term IS 'its utm_term, trimmed; NULL where it has none';
