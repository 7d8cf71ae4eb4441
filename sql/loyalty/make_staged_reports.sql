-- The staging table of sales_reports, for the reports that a file of videos holds; made as a load of reports makes it.
-- Index: none, it is read whole. Every commit and rollback empties it.
CREATE TEMPORARY TABLE IF NOT EXISTS staged_sales_reports ON COMMIT DELETE ROWS AS
SELECT tenant_id, source, item, report_day, as_of, handle, basis, post_date, amount, units, currency, file, line
FROM trackai.sales_reports
WITH NO DATA
