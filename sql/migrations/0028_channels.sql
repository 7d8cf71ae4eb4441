-- What a click came through, and which campaign and channel each click belongs to.

-- Channel of a click by its UTM values and whether it has a click id. The first rule that fits decides.
CREATE FUNCTION trackai.channel_of(utm_source text, utm_medium text, utm_campaign text, has_click_id boolean)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    search CONSTANT text[] COLLATE "C" := ARRAY[
        'google', 'bing', 'yahoo', 'duckduckgo', 'baidu', 'yandex', 'ecosia', 'naver'];
    social CONSTANT text[] COLLATE "C" := ARRAY[
        'facebook', 'fb', 'instagram', 'ig', 'meta', 'messenger', 'an', 'audience_network', 'threads', 'whatsapp',
        'tiktok', 'kwai', 'linkedin', 'pinterest', 'twitter', 'x', 'snapchat', 'reddit'];
    video CONSTANT text[] COLLATE "C" := ARRAY['youtube', 'vimeo', 'twitch'];
    email CONSTANT text[] COLLATE "C" := ARRAY['email', 'e-mail', 'e_mail', 'e mail', 'newsletter'];
    display CONSTANT text[] COLLATE "C" := ARRAY['display', 'banner', 'expandable', 'interstitial', 'cpm'];
    s text COLLATE "C" := coalesce(lower(trackai.trimmed(utm_source) COLLATE "C"), '');
    m text COLLATE "C" := coalesce(lower(trackai.trimmed(utm_medium) COLLATE "C"), '');
BEGIN
    IF s IN ('direct', '(direct)') THEN
        s := '';
    END IF;
    IF m IN ('(none)', '(not set)', 'none') THEN
        m := '';
    END IF;
    RETURN CASE
        WHEN s = '' AND m = '' AND NOT has_click_id
             AND coalesce(trackai.trimmed(utm_campaign), '(none)') = '(none)' THEN 'direct'
        WHEN m ~ '^(.*cp.*|ppc|retargeting|paid.*)$' THEN
            CASE
                WHEN s = ANY (search) THEN 'paid_search'
                WHEN s = ANY (social) THEN 'paid_social'
                WHEN s = ANY (video) THEN 'paid_video'
                WHEN m = ANY (display) THEN 'display'
                WHEN has_click_id THEN 'paid_social'
                ELSE 'paid_other'
            END
        WHEN s = ANY (email) OR m = ANY (email) THEN 'email'
        WHEN m IN ('affiliate', 'affiliates') THEN 'affiliate'
        WHEN m = ANY (display) THEN 'display'
        WHEN m IN ('social', 'social-network', 'social-media', 'sm', 'social network', 'social media') THEN 'social'
        WHEN m = 'organic' THEN CASE WHEN s = ANY (social) THEN 'social' ELSE 'organic_search' END
        WHEN m IN ('referral', 'app', 'link') THEN 'referral'
        WHEN m IN ('sms', 'push', 'audio') THEN m
        WHEN has_click_id THEN 'paid_social'
        WHEN s = ANY (social) THEN 'social'
        WHEN s = ANY (search) THEN 'organic_search'
        ELSE 'other'
    END;
END $$;

-- An alias for the click's utm_source goes before one for any source.
CREATE VIEW trackai.click_campaigns AS
SELECT k.tenant_id,
       k.id AS click_id,
       k.created_at,
       trackai.campaign_of(k.utm_campaign, coalesce(own.campaign_id, general.campaign_id)) COLLATE "C" AS campaign_id,
       trackai.channel_of(k.utm_source, k.utm_medium, k.utm_campaign, trackai.click_key(k.fbc, k.fbclid) IS NOT NULL)
           COLLATE "C" AS channel
FROM trackai.clicks k
LEFT JOIN trackai.campaign_aliases own
    ON own.tenant_id = k.tenant_id
    AND own.alias = trackai.trimmed(k.utm_campaign)
    AND own.source = lower(trackai.trimmed(k.utm_source))
LEFT JOIN trackai.campaign_aliases general
    ON general.tenant_id = k.tenant_id
    AND general.alias = trackai.trimmed(k.utm_campaign)
    AND general.source = '';
COMMENT ON VIEW trackai.click_campaigns IS 'The campaign and the channel that each click belongs to.';
COMMENT ON COLUMN trackai.click_campaigns.tenant_id IS 'whose click it is';
COMMENT ON COLUMN trackai.click_campaigns.click_id IS 'the click (clicks.id)';
COMMENT ON COLUMN trackai.click_campaigns.created_at IS 'when the click happened';
COMMENT ON COLUMN trackai.click_campaigns.campaign_id IS 'its campaign: by an alias, else its utm_campaign; (none) or (macro) where that names none';
COMMENT ON COLUMN trackai.click_campaigns.channel IS 'its channel, e.g. paid_social, by its UTM values and click id';
