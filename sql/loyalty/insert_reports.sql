-- Staged reports become rows of sales_reports, with whose handle it is on their day; returns how many are new.
-- Indexes: creator_aliases' primary key; the unique key, in whose order rows are written, so two loaders lock them in one
-- order. Loading a file again changes nothing.
WITH moved AS (
    INSERT INTO trackai.sales_reports
        (tenant_id, source, item, report_day, as_of, handle, user_id, basis, post_date, amount, units, currency, file, line,
         received_at, created_at)
    SELECT s.tenant_id, s.source, s.item, s.report_day, s.as_of, s.handle, a.user_id, s.basis, s.post_date, s.amount, s.units,
           s.currency, s.file, s.line, %(now)s, %(now)s
    FROM pg_temp.staged_sales_reports s
    LEFT JOIN LATERAL (
        SELECT a.user_id FROM trackai.creator_aliases a
        WHERE a.tenant_id = s.tenant_id AND a.kind = 'tiktok' AND a.alias = s.handle AND a.valid_from <= s.report_day
        ORDER BY a.valid_from DESC
        LIMIT 1
    ) a ON true
    ORDER BY s.tenant_id, s.source, s.item, s.report_day, s.as_of, s.line
    ON CONFLICT (tenant_id, source, item, report_day, as_of) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM moved
