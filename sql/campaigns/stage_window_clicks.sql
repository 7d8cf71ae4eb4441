-- The clicks of one tenant in the UTC days %(from_day)s to %(to_day)s, into a table of the transaction: campaign, what
-- rules compare within it, and whether the click led to a sale before the UTC day %(sold_before)s. Clicks of one click
-- key and campaign are one: its newest row is `counted`, and says what all of them are. A block is four hours of the
-- tenant's time zone.
-- Indexes: clicks_by_day, matched_attributions_by_click, conversions' primary key. Reads the days' clicks: for the night.
CREATE TEMPORARY TABLE window_clicks ON COMMIT DROP AS
WITH clicked AS (
    SELECT k.click_id AS id, k.created_at, k.campaign_id, k.click_key, k.utm_content AS content, k.utm_term AS term,
           extract(HOUR FROM k.created_at AT TIME ZONE t.time_zone)::integer / 4 AS block,
           EXISTS (
               SELECT
               FROM trackai.matched_attributions a
               JOIN trackai.conversions s ON s.tenant_id = a.tenant_id AND s.id = a.conversion_id
               WHERE a.tenant_id = k.tenant_id AND a.click_id = k.click_id
                 AND s.occurred_at < %(sold_before)s::date::timestamp AT TIME ZONE 'UTC'
           ) AS sold
    FROM trackai.click_campaigns k
    JOIN trackai.tenants t ON t.id = k.tenant_id
    WHERE k.tenant_id = %(tenant_id)s
      AND k.created_at >= %(from_day)s::date::timestamp AT TIME ZONE 'UTC'
      AND k.created_at < (%(to_day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
)
SELECT k.id AS click_id, k.campaign_id,
       first_value(k.content) OVER newest_first AS content,
       first_value(k.term) OVER newest_first AS term,
       first_value(k.block) OVER newest_first AS block,
       row_number() OVER newest_first = 1 AS counted,
       bool_or(k.sold) OVER same AS sold
FROM clicked k
WINDOW
    same AS (PARTITION BY k.campaign_id, k.click_key, CASE WHEN k.click_key IS NULL THEN k.id END),
    newest_first AS (
        PARTITION BY k.campaign_id, k.click_key, CASE WHEN k.click_key IS NULL THEN k.id END
        ORDER BY k.created_at DESC, k.id DESC
    )
