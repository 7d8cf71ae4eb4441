-- Lifecycle: what leaves its table and when, where it went, and the removal of personal data.

-- Policies -----------------------------------------------------------------------------------------------------

ALTER TABLE trackai.retention_policies
    -- How long rows stay in the database after their archive has been verified.
    ADD COLUMN grace interval NOT NULL DEFAULT '7 days' CHECK (grace >= interval '0'),
    -- When personal fields go, where rows stay longer than these may.
    ADD COLUMN anonymise_after interval CHECK (anonymise_after > interval '0');
UPDATE trackai.retention_policies SET anonymise_after = '90 days' WHERE table_name = 'clicks';

-- Days of rows that left, or are about to ----------------------------------------------------------------------

-- The manifest: a row is one Parquet file, all rows of a table and UTC day that had not left before. It is written once
-- the file has been read back and found right; without it a file counts for nothing.
CREATE TABLE trackai.archives (
    table_name text COLLATE "C" NOT NULL,
    day date NOT NULL,
    -- 1; more where rows of the day came after an earlier file had been written.
    part integer NOT NULL CHECK (part >= 1),
    -- verified: the rows are still in the database, for the grace period. dropped: the file is all there is.
    -- restored: the rows are in the database again; the file is superseded by the next one of the day.
    state text COLLATE "C" NOT NULL CHECK (state IN ('verified', 'dropped', 'restored')),
    -- Below TRACKAI_ARCHIVE_DIR.
    path text NOT NULL CHECK (path <> ''),
    rows bigint NOT NULL CHECK (rows > 0),
    bytes bigint NOT NULL CHECK (bytes > 0),
    -- Of the file's bytes.
    sha256 text COLLATE "C" NOT NULL CHECK (length(sha256) = 64 AND sha256 !~ '[^0-9a-f]'),
    -- Of the rows, whatever their order: what restored rows must come to again.
    checksum text COLLATE "C" NOT NULL,
    first_row_at timestamptz NOT NULL,
    last_row_at timestamptz NOT NULL,
    verified_at timestamptz NOT NULL,
    -- When the rows may be dropped, or archived again after a restoration.
    keep_until timestamptz NOT NULL,
    -- When its rows began to be removed. A verified one that has it: some rows are in the database, some are not.
    dropped_at timestamptz,
    PRIMARY KEY (table_name, day, part),
    CHECK (last_row_at >= first_row_at),
    CHECK ((state = 'dropped') <= (dropped_at IS NOT NULL))
);

-- Who this database is to an archive, which belongs to one: another's files would be taken for leftovers. One row.
CREATE TABLE trackai.archive_owner (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid()
);
INSERT INTO trackai.archive_owner DEFAULT VALUES;

-- What a run of retention set out to do, and what became of it.
CREATE TABLE trackai.retention_plans (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The UTC day that ages are counted to.
    day date NOT NULL,
    dry_run boolean NOT NULL,
    made_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE TABLE trackai.retention_steps (
    plan_id bigint NOT NULL REFERENCES trackai.retention_plans (id) ON DELETE CASCADE,
    -- Its place in the order of execution, from 1.
    place integer NOT NULL CHECK (place >= 1),
    action text COLLATE "C" NOT NULL CHECK (action IN ('anonymise', 'archive', 'drop', 'delete')),
    table_name text COLLATE "C" NOT NULL,
    -- The UTC day of the rows; for `anonymise`, all rows before it.
    day date NOT NULL,
    rows bigint NOT NULL,
    bytes bigint,
    reason text NOT NULL,
    -- Why it cannot be done now; such a step is not tried.
    blocked_by text,
    state text COLLATE "C" NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'blocked', 'done', 'failed')),
    -- Rows it was done to; others than planned where something happened in between.
    rows_done bigint,
    -- What was done or what went wrong, in a sentence.
    outcome text,
    PRIMARY KEY (plan_id, place),
    CHECK ((state = 'blocked') = (blocked_by IS NOT NULL))
);

-- lifecycle/: rows of a day in tables that are not partitioned. Rows come nearly in order; a few kB instead of a B-tree.
CREATE INDEX clicks_by_day ON trackai.clicks
    USING brin (created_at timestamptz_minmax_multi_ops) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX dispatch_attempts_by_day ON trackai.dispatch_attempts
    USING brin (created_at timestamptz_minmax_multi_ops) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX ingest_rejects_by_day ON trackai.ingest_rejects (created_at);

-- Whether a sale was delivered outlives its attempts.
CREATE TABLE trackai.past_deliveries (
    tenant_id text COLLATE "C" NOT NULL,
    conversion_id bigint NOT NULL,
    delivered_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, conversion_id)
);
CREATE FUNCTION trackai.keep_deliveries() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trackai.past_deliveries (tenant_id, conversion_id, delivered_at)
    SELECT tenant_id, conversion_id, min(completed_at) FROM gone WHERE status = 'success' GROUP BY 1, 2
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER deliveries_are_kept AFTER DELETE ON trackai.dispatch_attempts
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION trackai.keep_deliveries();
ALTER TABLE trackai.dispatch_attempts ENABLE ALWAYS TRIGGER deliveries_are_kept;

-- Personal data ------------------------------------------------------------------------------------------------

ALTER TABLE trackai.clicks ADD COLUMN anonymised_at timestamptz;
ALTER TABLE trackai.conversions ADD COLUMN anonymised_at timestamptz;
-- The network of an address: /24 of IPv4, /48 of IPv6. An IPv4 address that is written as IPv6 is what it stands for.
CREATE FUNCTION trackai.network_of(address inet) RETURNS inet
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN family(address) = 4 THEN network(set_masklen(address, least(masklen(address), 24)))
    WHEN address <<= inet '::ffff:0:0/96' THEN network(set_masklen(
        inet '0.0.0.0' + (set_masklen(address, 128) - inet '::ffff:0:0'), least(masklen(address) - 96, 24)
    ))
    ELSE network(set_masklen(address, least(masklen(address), 48)))
END;
-- lifecycle/: rows whose personal fields are still there, oldest first. The others are not in it.
CREATE INDEX clicks_to_anonymise ON trackai.clicks (created_at) WHERE anonymised_at IS NULL;
CREATE INDEX conversions_to_anonymise ON trackai.conversions (occurred_at) WHERE anonymised_at IS NULL;

-- A sale stays as it was told, but what it says of a person may be taken away.
CREATE OR REPLACE FUNCTION trackai.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is immutable: a fact is never changed, a correction is a new fact',
        TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation',
              HINT = 'Insert a conversion with its own gateway_event_id. Only personal fields may be removed, with anonymised_at set.';
END $$;
DROP TRIGGER conversions_are_immutable ON trackai.conversions;
CREATE TRIGGER conversions_are_immutable
    BEFORE UPDATE OF tenant_id, id, gateway, gateway_event_id, sale_key, order_id, event_name, value, currency,
        occurred_at, created_at
    ON trackai.conversions FOR EACH STATEMENT EXECUTE FUNCTION trackai.refuse_change();
CREATE TRIGGER conversions_only_lose_personal_fields BEFORE UPDATE ON trackai.conversions
    FOR EACH ROW WHEN (NEW.anonymised_at IS NULL) EXECUTE FUNCTION trackai.refuse_change();

-- That somebody's data was erased, and how much of it; nothing of whose it was.
CREATE TABLE trackai.erasures (
    tenant_id text COLLATE "C" NOT NULL REFERENCES trackai.tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    erased_at timestamptz NOT NULL,
    -- Rows changed, by table, and archives rewritten.
    changed jsonb NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- A view's columns are those of its making.
DROP VIEW trackai.v_conversions;
CREATE VIEW trackai.v_conversions AS
SELECT c.*,
       a.click_id,
       a.strategy AS match_strategy,
       a.matched_at,
       EXISTS (
           SELECT 1 FROM trackai.dispatch_attempts d
           WHERE d.tenant_id = c.tenant_id AND d.conversion_id = c.id AND d.status = 'success'
       ) OR EXISTS (
           SELECT 1 FROM trackai.past_deliveries p WHERE p.tenant_id = c.tenant_id AND p.conversion_id = c.id
       ) AS sent_to_capi
FROM trackai.conversions c
LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id;

COMMENT ON COLUMN trackai.retention_policies.grace IS 'how long archived rows stay in the database';
COMMENT ON COLUMN trackai.retention_policies.anonymise_after IS 'when personal fields are removed from rows that stay longer';
COMMENT ON TABLE trackai.archives IS 'Parquet files of rows that left their table, or are about to. The manifest: other files count for nothing.';
COMMENT ON TABLE trackai.archive_owner IS 'Who this database is to its archive.';
COMMENT ON TABLE trackai.retention_plans IS 'Runs of retention and their dry runs.';
COMMENT ON TABLE trackai.retention_steps IS 'What a run of retention set out to do, and what became of it.';
COMMENT ON TABLE trackai.past_deliveries IS 'Sales that were delivered, once their attempts have left.';
COMMENT ON TABLE trackai.erasures IS 'That a person''s data was erased; nothing of whose.';
COMMENT ON COLUMN trackai.clicks.anonymised_at IS 'when ip and user agent were made less precise';
COMMENT ON COLUMN trackai.conversions.anonymised_at IS 'when hashes were removed, ip and user agent made less precise';
COMMENT ON TABLE trackai.clicks IS 'Ad clicks that reached a landing page. Immutable, but that personal fields are removed.';
COMMENT ON TABLE trackai.conversions IS 'Paid sales, one row a gateway event. Immutable, but that personal fields are removed.';
