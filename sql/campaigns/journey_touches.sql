-- Makes the touches of each sale out of the clicks that keys led to which are not shared, and the matched click. A
-- journey that is kept has the touches that are stored.
-- Indexes: the primary key of campaign_aliases, and that of conversion_touchpoints.
-- Guarantees: one touch for one ad click. Clicks with the same click id are one; clicks without one are one visit where
-- browser and UTM values are the same and each follows the one before it within `visit_minutes`. The matched click stands
-- for its group, else the newest does. The matched touch always stays, and the newest others up to `max_touches`.
-- Positions count from 1, by time, then id. A deleted matched click is the last touch, with the campaign and the channel
-- that the journey had for it before.
CREATE TEMPORARY TABLE journey_touches ON COMMIT DROP AS
WITH reached AS (
    SELECT f.*
    FROM {first_found} f
    JOIN {first_keys} k ON k.conversion_id = f.conversion_id AND k.rank = f.rank AND k.key = f.key
    WHERE k.why IS NULL
    UNION ALL
    SELECT f.*
    FROM {second_found} f
    JOIN {second_keys} k ON k.conversion_id = f.conversion_id AND k.key = f.key
    WHERE k.why IS NULL
    UNION ALL
    SELECT s.conversion_id, 0, NULL, s.click_id, s.clicked_at, s.matched_click_key, s.matched_browser_key,
           s.utm_source, s.utm_medium, s.utm_campaign, s.utm_content, s.utm_term
    FROM journey_sales s
    WHERE s.click_id IS NOT NULL AND NOT s.kept
),
clicks AS (
    SELECT DISTINCT ON (r.conversion_id, r.click_id) r.*,
           coalesce(
               'id ' || r.click_key,
               ROW(r.browser_key, r.utm_source, r.utm_medium, r.utm_campaign, r.utm_content, r.utm_term)::text
           ) COLLATE "C" AS part
    FROM reached r
    ORDER BY r.conversion_id, r.click_id, r.rank
),
parts AS (
    SELECT c.*,
           c.click_key IS NULL
               AND c.created_at - lag(c.created_at) OVER (PARTITION BY c.conversion_id, c.part ORDER BY c.created_at, c.click_id)
               > %(visit_minutes)s * interval '1 minute' AS starts
    FROM clicks c
),
visits AS (
    SELECT p.*,
           count(*) FILTER (WHERE p.starts) OVER (PARTITION BY p.conversion_id, p.part ORDER BY p.created_at, p.click_id)
               AS visit
    FROM parts p
),
touches AS (
    SELECT DISTINCT ON (v.conversion_id, v.part, v.visit) v.*,
           min(v.rank) OVER (PARTITION BY v.conversion_id, v.part, v.visit) AS via
    FROM visits v
    ORDER BY v.conversion_id, v.part, v.visit, v.rank = 0 DESC, v.created_at DESC, v.click_id DESC
),
named AS (
    SELECT t.conversion_id, t.click_id, t.created_at AS clicked_at, t.via,
           trackai.campaign_of(t.utm_campaign, coalesce(own.campaign_id, general.campaign_id)) AS campaign_id,
           trackai.channel_of(t.utm_source, t.utm_medium, t.utm_campaign, t.click_key IS NOT NULL) AS channel
    FROM touches t
    LEFT JOIN trackai.campaign_aliases own
        ON own.tenant_id = %(tenant_id)s
        AND own.alias = trackai.trimmed(t.utm_campaign)
        AND own.source = lower(trackai.trimmed(t.utm_source))
    LEFT JOIN trackai.campaign_aliases general
        ON general.tenant_id = %(tenant_id)s
        AND general.alias = trackai.trimmed(t.utm_campaign)
        AND general.source = ''
    UNION ALL
    SELECT s.conversion_id, NULL, NULL, 0, coalesce(p.campaign_id, '(none)'), coalesce(p.channel::text, 'other')
    FROM journey_sales s
    LEFT JOIN trackai.conversion_touchpoints p
        ON p.tenant_id = %(tenant_id)s
        AND p.conversion_id = s.conversion_id
        AND p.day = %(day)s
        AND p.credit_matched = 1
    WHERE s.click_id IS NULL AND NOT s.kept
),
numbered AS (
    SELECT n.*,
           row_number() OVER (
               PARTITION BY n.conversion_id ORDER BY n.via = 0 DESC, n.clicked_at DESC, n.click_id DESC
           ) AS age,
           count(*) OVER (PARTITION BY n.conversion_id) AS touches
    FROM named n
)
SELECT n.conversion_id,
       row_number() OVER (
           PARTITION BY n.conversion_id ORDER BY n.clicked_at NULLS LAST, n.click_id
       )::smallint AS position,
       n.click_id,
       n.clicked_at,
       n.campaign_id COLLATE "C" AS campaign_id,
       n.channel::trackai.touch_channel AS channel,
       CASE n.via
           WHEN 0 THEN 'matched' WHEN 1 THEN 'click_id' WHEN 2 THEN 'browser' WHEN 3 THEN 'email' ELSE 'phone'
       END::trackai.touch_via AS via,
       n.via = 0 AS matched,
       n.touches > %(max_touches)s AS truncated
FROM numbered n
WHERE n.age <= %(max_touches)s
UNION ALL
SELECT p.conversion_id, p.position, p.click_id, p.clicked_at, p.campaign_id, p.channel, p.via,
       p.credit_matched = 1, false
FROM journey_sales s
JOIN trackai.conversion_touchpoints p
    ON p.tenant_id = %(tenant_id)s AND p.conversion_id = s.conversion_id AND p.day = %(day)s
WHERE s.kept
