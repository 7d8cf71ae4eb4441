-- Describes the newest delivery of each day of the staged reports: its items, those whose figure is that of their report day
-- before, those that are nobody's, and sums to compare deliveries with. A delivery is a file, or what has one as_of.
-- Indexes: sales_reports_by_day, the unique key of sales_reports for the figure before, sales_sync_days' primary key.
INSERT INTO trackai.sales_sync_days
    (tenant_id, source, report_day, as_of, lines, unchanged, unassigned, amount, units, received_at, created_at, updated_at)
SELECT d.tenant_id, d.source, d.report_day, max(n.as_of), count(*),
       count(*) FILTER (WHERE (r.amount, r.units) = (b.amount, b.units)), count(*) FILTER (WHERE r.user_id IS NULL),
       sum(r.amount), sum(r.units), max(n.received_at), %(now)s, %(now)s
FROM (SELECT DISTINCT tenant_id, source, report_day FROM pg_temp.staged_sales_reports) d
CROSS JOIN LATERAL (
    SELECT o.file, o.as_of, o.received_at FROM trackai.sales_reports o
    WHERE o.tenant_id = d.tenant_id AND o.source = d.source AND o.report_day = d.report_day
    ORDER BY o.as_of DESC
    LIMIT 1
) n
JOIN trackai.sales_reports r ON r.tenant_id = d.tenant_id AND r.source = d.source AND r.report_day = d.report_day
    AND (r.file = n.file OR (n.file IS NULL AND r.as_of = n.as_of))
LEFT JOIN LATERAL (
    SELECT p.amount, p.units FROM trackai.sales_reports p
    WHERE p.tenant_id = r.tenant_id AND p.source = r.source AND p.item = r.item AND p.report_day < r.report_day
    ORDER BY p.report_day DESC, p.as_of DESC
    LIMIT 1
) b ON true
GROUP BY d.tenant_id, d.source, d.report_day
ORDER BY d.tenant_id, d.source, d.report_day
ON CONFLICT (tenant_id, source, report_day) DO UPDATE
SET as_of = excluded.as_of, lines = excluded.lines, unchanged = excluded.unchanged, unassigned = excluded.unassigned,
    amount = excluded.amount, units = excluded.units, received_at = excluded.received_at, updated_at = excluded.updated_at
