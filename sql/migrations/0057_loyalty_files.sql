-- Files of loyalty: what loads look up, and since when a file says that a creator is a member.

-- The reports of a sync's day; a load counts them. It locks the table against writes while it is built.
CREATE INDEX sales_reports_by_day ON trackai.sales_reports (tenant_id, source, report_day);

ALTER TABLE trackai.creator_aliases ADD COLUMN enrolled_on date;
COMMENT ON COLUMN trackai.creator_aliases.enrolled_on IS 'local day from which the row made the creator a member; NULL where it did not';
