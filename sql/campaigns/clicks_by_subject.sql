-- The counted clicks of each campaign, and how many of them led to a sale, by what rules compare: utm_content, utm_term,
-- block of four hours, and `all`. A subject of NULL has none. Reads pg_temp.window_clicks.
SELECT w.campaign_id, s.family, s.subject, count(*) AS clicks, count(*) FILTER (WHERE w.sold) AS converted
FROM window_clicks w
CROSS JOIN LATERAL (
    VALUES ('content', w.content), ('term', w.term), ('block', w.block::text), ('all', NULL)
) AS s (family, subject)
WHERE w.counted
GROUP BY w.campaign_id, s.family, s.subject
