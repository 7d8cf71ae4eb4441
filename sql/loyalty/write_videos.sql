-- Staged videos become, or renew, rows of videos; those without a day are reports alone. The day that was told first stays:
-- it is looked for in the given month, then in all. Figures older than those that are there change nothing.
-- Indexes: videos' primary key (of one partition, where the day is the same), creator_aliases' primary key.
WITH newest AS (
    SELECT DISTINCT ON (v.tenant_id, v.video_id) v.*
    FROM pg_temp.staged_videos v
    WHERE v.post_date IS NOT NULL
    ORDER BY v.tenant_id, v.video_id, v.report_day DESC, v.sync_date DESC
)
INSERT INTO trackai.videos AS t
    (tenant_id, video_id, post_date, video_url, video_title, user_id, views, likes, comments, gmv, ctr, units_sold, sync_date,
     handle, source, report_day, currency, file, line, first_seen_at, created_at, updated_at)
SELECT n.tenant_id, n.video_id, coalesce(s.post_date, e.post_date, n.post_date), n.video_url, n.video_title, a.user_id,
       coalesce(n.views, 0), coalesce(n.likes, 0), coalesce(n.comments, 0), n.gmv, n.ctr, n.units_sold, n.sync_date, n.handle,
       n.source, n.report_day, n.currency, n.file, n.line, %(now)s, %(now)s, %(now)s
FROM newest n
LEFT JOIN LATERAL (
    SELECT o.post_date FROM trackai.videos o
    WHERE o.tenant_id = n.tenant_id AND o.video_id = n.video_id AND o.post_date = n.post_date
) s ON true
LEFT JOIN LATERAL (
    SELECT o.post_date FROM trackai.videos o
    WHERE o.tenant_id = n.tenant_id AND o.video_id = n.video_id
    LIMIT 1
) e ON s.post_date IS NULL
LEFT JOIN LATERAL (
    SELECT c.user_id FROM trackai.creator_aliases c
    WHERE c.tenant_id = n.tenant_id AND c.kind = 'tiktok' AND c.alias = n.handle AND c.valid_from <= n.report_day
    ORDER BY c.valid_from DESC
    LIMIT 1
) a ON true
ORDER BY n.tenant_id, n.video_id
ON CONFLICT (tenant_id, video_id, post_date) DO UPDATE
SET video_url = coalesce(excluded.video_url, t.video_url), video_title = coalesce(excluded.video_title, t.video_title),
    user_id = coalesce(excluded.user_id, t.user_id), views = excluded.views, likes = excluded.likes, comments = excluded.comments,
    gmv = excluded.gmv, ctr = excluded.ctr, units_sold = excluded.units_sold, sync_date = excluded.sync_date,
    handle = excluded.handle, source = excluded.source, report_day = excluded.report_day, currency = excluded.currency,
    file = excluded.file, line = excluded.line, updated_at = excluded.updated_at
WHERE (excluded.report_day, excluded.sync_date) > (t.report_day, t.sync_date)
