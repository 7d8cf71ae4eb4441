-- Reports of syncs: which of them may leave, and what the files of a sync's videos say.

ALTER TABLE trackai.sales_reports ADD COLUMN previous_day date;
COMMENT ON COLUMN trackai.sales_reports.previous_day IS 'day of the item''s figure before, once that one may leave; days up to it are final; NULL: it is needed';
-- What posting has to find an owner for.
CREATE INDEX sales_reports_unassigned ON trackai.sales_reports (tenant_id, report_day) WHERE user_id IS NULL;
-- The last final day of a tenant.
CREATE INDEX sales_reports_final ON trackai.sales_reports (tenant_id, previous_day) WHERE previous_day IS NOT NULL;

ALTER TABLE trackai.videos ADD COLUMN handle text COLLATE "C";
ALTER TABLE trackai.videos ADD COLUMN source text COLLATE "C";
ALTER TABLE trackai.videos ADD COLUMN report_day date;
ALTER TABLE trackai.videos ADD COLUMN currency text COLLATE "C";
ALTER TABLE trackai.videos ADD COLUMN file text;
ALTER TABLE trackai.videos ADD COLUMN line bigint;
COMMENT ON COLUMN trackai.videos.handle IS 'the creator''s handle, in lower case without @; NULL once it was erased';
COMMENT ON COLUMN trackai.videos.source IS 'the sync that gave these figures';
COMMENT ON COLUMN trackai.videos.report_day IS 'local day that the figures are of';
COMMENT ON COLUMN trackai.videos.currency IS 'ISO 4217 code of gmv; NULL where it is the program''s';
COMMENT ON COLUMN trackai.videos.file IS 'path of the file below the landing folder; NULL where there was none';
COMMENT ON COLUMN trackai.videos.line IS 'line of the file, from 1; NULL where there was none';
