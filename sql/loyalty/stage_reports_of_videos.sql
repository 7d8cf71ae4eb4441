-- Stages each line of a file of videos as a report of the video's sales so far. Index: none.
INSERT INTO pg_temp.staged_sales_reports
    (tenant_id, source, item, report_day, as_of, handle, basis, post_date, amount, units, currency, file, line)
SELECT v.tenant_id, v.source, v.video_id, v.report_day, v.sync_date, v.handle, 'cumulative', v.post_date, v.gmv, v.units_sold,
       v.currency, v.file, v.line
FROM pg_temp.staged_videos v
