-- Days of reports that are final: up to the last report whose item's figure before may leave.

DROP INDEX trackai.sales_reports_final;
CREATE INDEX sales_reports_final ON trackai.sales_reports (tenant_id, report_day) WHERE previous_day IS NOT NULL;
COMMENT ON COLUMN trackai.sales_reports.previous_day IS 'day of the item''s figure before, once that one may leave: report_day and all days before it are final; NULL: it is needed';
