-- Loyalty: a ledger of creators' sales, the tiers that they reach, and how far matched sales are credited.

-- Rules ---------------------------------------------------------------------------------------------------------------

CREATE TABLE trackai.loyalty_programs (
    tenant_id text COLLATE "C" NOT NULL REFERENCES trackai.tenants (id),
    valid_from date NOT NULL,
    vip_metric text COLLATE "C" NOT NULL DEFAULT 'sales' CHECK (vip_metric IN ('sales', 'units')),
    currency text COLLATE "C" NOT NULL CHECK (length(currency) = 3 AND currency !~ '[^A-Z]'),
    time_zone text COLLATE "C" NOT NULL DEFAULT 'UTC',
    checkpoint_months smallint DEFAULT 4 CHECK (checkpoint_months BETWEEN 1 AND 24),
    grace_days smallint NOT NULL DEFAULT 0 CHECK (grace_days BETWEEN 0 AND 60),
    demote_to text COLLATE "C" NOT NULL DEFAULT 'earned' CHECK (demote_to IN ('earned', 'one_step')),
    corrections text COLLATE "C" NOT NULL DEFAULT 'up' CHECK (corrections IN ('none', 'up', 'both')),
    settle_days smallint NOT NULL DEFAULT 1 CHECK (settle_days BETWEEN 0 AND 14),
    refund_dating text COLLATE "C" NOT NULL DEFAULT 'refund' CHECK (refund_dating IN ('refund', 'sale')),
    credit_field text COLLATE "C" NOT NULL DEFAULT 'utm_content'
        CHECK (credit_field IN ('utm_content', 'utm_term', 'utm_source', 'utm_campaign', 'buyer')),
    excluded_gateways text[] NOT NULL DEFAULT '{}',
    report_sources text[] NOT NULL DEFAULT '{}',
    auto_enrol boolean NOT NULL DEFAULT true,
    sales_from date,
    status text COLLATE "C" NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'active', 'paused', 'closed')),
    created_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, valid_from)
);
COMMENT ON TABLE trackai.loyalty_programs IS 'The rules of each tenant''s loyalty program, by the day from which they hold. A row has all rules.';
COMMENT ON COLUMN trackai.loyalty_programs.tenant_id IS 'whose program it is (tenants.id)';
COMMENT ON COLUMN trackai.loyalty_programs.valid_from IS 'first local day on which the rules hold, until the next row''s';
COMMENT ON COLUMN trackai.loyalty_programs.vip_metric IS 'what tiers are reached by: sales (money) or units';
COMMENT ON COLUMN trackai.loyalty_programs.currency IS 'ISO 4217 code of thresholds; sales in others do not count towards them';
COMMENT ON COLUMN trackai.loyalty_programs.time_zone IS 'IANA time zone of the program''s days';
COMMENT ON COLUMN trackai.loyalty_programs.checkpoint_months IS 'months in which a tier is to be earned again; NULL: it is kept for good';
COMMENT ON COLUMN trackai.loyalty_programs.grace_days IS 'how many days a window goes on where its creator falls short';
COMMENT ON COLUMN trackai.loyalty_programs.demote_to IS 'earned: the tier that the window''s sales reach; one_step: the next lower tier';
COMMENT ON COLUMN trackai.loyalty_programs.corrections IS 'what entries dated in closed windows may do: none, up (restore a tier) or both (take one as well)';
COMMENT ON COLUMN trackai.loyalty_programs.settle_days IS 'days after which a day is evaluated';
COMMENT ON COLUMN trackai.loyalty_programs.refund_dating IS 'day on which a refund counts: its own (refund) or its sale''s (sale)';
COMMENT ON COLUMN trackai.loyalty_programs.credit_field IS 'the field of the click that holds a creator''s link code; buyer: the user who bought';
COMMENT ON COLUMN trackai.loyalty_programs.excluded_gateways IS 'gateways whose sales are not credited, because a sync reports them as well';
COMMENT ON COLUMN trackai.loyalty_programs.report_sources IS 'syncs whose reports count';
COMMENT ON COLUMN trackai.loyalty_programs.auto_enrol IS 'whether an unknown handle of a report becomes a member';
COMMENT ON COLUMN trackai.loyalty_programs.sales_from IS 'videos posted from that day on count with their first figure; NULL: from the program''s first day';
COMMENT ON COLUMN trackai.loyalty_programs.status IS 'draft, active, paused (days are evaluated later) or closed (sales are not credited)';
COMMENT ON COLUMN trackai.loyalty_programs.created_by IS 'login of who set the rules; NULL when unknown';
COMMENT ON COLUMN trackai.loyalty_programs.created_at IS 'when the row was made';
COMMENT ON COLUMN trackai.loyalty_programs.updated_at IS 'when it was last changed';

CREATE TABLE trackai.tiers (
    tenant_id text COLLATE "C" NOT NULL REFERENCES trackai.tenants (id),
    tier_id text COLLATE "C" NOT NULL CHECK (length(tier_id) BETWEEN 1 AND 100),
    valid_from date NOT NULL,
    tier_order integer NOT NULL CHECK (tier_order >= 1),
    tier_name text NOT NULL CHECK (tier_name <> ''),
    tier_color text COLLATE "C" CHECK (tier_color ~ '^#[0-9a-f]{6}$'),
    sales_threshold numeric(18, 4) CHECK (sales_threshold >= 0),
    units_threshold bigint CHECK (units_threshold >= 0),
    commission_rate numeric(5, 2) NOT NULL DEFAULT 0 CHECK (commission_rate BETWEEN 0 AND 100),
    checkpoint_exempt boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, tier_id, valid_from),
    CONSTRAINT tiers_have_a_threshold CHECK (num_nonnulls(sales_threshold, units_threshold) > 0)
);
COMMENT ON TABLE trackai.tiers IS 'The tiers of a loyalty program, by the day from which they are as the row says.';
COMMENT ON COLUMN trackai.tiers.tenant_id IS 'whose tier it is (tenants.id)';
COMMENT ON COLUMN trackai.tiers.tier_id IS 'what files, commands and other tables call it';
COMMENT ON COLUMN trackai.tiers.valid_from IS 'first local day on which it is so, until the next row of the tier';
COMMENT ON COLUMN trackai.tiers.tier_order IS 'its place, 1 the lowest';
COMMENT ON COLUMN trackai.tiers.tier_name IS 'what creators read';
COMMENT ON COLUMN trackai.tiers.tier_color IS 'its colour as #rrggbb; NULL: none';
COMMENT ON COLUMN trackai.tiers.sales_threshold IS 'sales that reach it, in the program''s currency; NULL where units count';
COMMENT ON COLUMN trackai.tiers.units_threshold IS 'units that reach it; NULL where sales count';
COMMENT ON COLUMN trackai.tiers.commission_rate IS 'the creator''s commission, in percent';
COMMENT ON COLUMN trackai.tiers.checkpoint_exempt IS 'whether the tier is kept without earning it again';
COMMENT ON COLUMN trackai.tiers.created_at IS 'when the row was made';
COMMENT ON COLUMN trackai.tiers.updated_at IS 'when it was last changed';

-- Creators ------------------------------------------------------------------------------------------------------------

-- Only the primary key is indexed and pages have room, so that updates of the caches stay on their page (HOT).
CREATE TABLE trackai.loyalty_members (
    tenant_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    enrolled_on date NOT NULL,
    left_on date,
    current_tier text COLLATE "C",
    tier_achieved_at timestamptz,
    next_checkpoint_at timestamptz,
    anchor_day date,
    checkpoint_no integer NOT NULL DEFAULT 0 CHECK (checkpoint_no >= 0),
    window_start date,
    window_end date,
    climb_start date,
    in_grace boolean NOT NULL DEFAULT false,
    evaluated_day date,
    checkpoint_sales_current numeric(18, 4) NOT NULL DEFAULT 0,
    checkpoint_units_current bigint NOT NULL DEFAULT 0,
    total_sales numeric(18, 4) NOT NULL DEFAULT 0,
    total_units bigint NOT NULL DEFAULT 0,
    manual_adjustments_total numeric(18, 4) NOT NULL DEFAULT 0,
    manual_adjustments_units bigint NOT NULL DEFAULT 0,
    checkpoint_progress_updated_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES trackai.users (tenant_id, id),
    CONSTRAINT members_leave_after_they_enrol CHECK (left_on >= enrolled_on),
    CONSTRAINT windows_begin_before_they_end CHECK (window_end > window_start)
) WITH (fillfactor = 70);
COMMENT ON TABLE trackai.loyalty_members IS 'Creators in a loyalty program: where each stands after the last evaluated day, and caches of sums of the ledger.';
COMMENT ON COLUMN trackai.loyalty_members.tenant_id IS 'whose creator it is';
COMMENT ON COLUMN trackai.loyalty_members.user_id IS 'the creator (users.id)';
COMMENT ON COLUMN trackai.loyalty_members.enrolled_on IS 'first local day of membership; earlier sales do not count';
COMMENT ON COLUMN trackai.loyalty_members.left_on IS 'first local day without evaluation; NULL: still there';
COMMENT ON COLUMN trackai.loyalty_members.current_tier IS 'tier after the last evaluated day (tiers.tier_id); NULL before the first';
COMMENT ON COLUMN trackai.loyalty_members.tier_achieved_at IS 'first moment of the day on which the tier was reached; to be shown';
COMMENT ON COLUMN trackai.loyalty_members.next_checkpoint_at IS 'first moment of the day of the next checkpoint; to be shown; NULL: there is none';
COMMENT ON COLUMN trackai.loyalty_members.anchor_day IS 'day from which the bounds of windows are counted; NULL before the first evaluation';
COMMENT ON COLUMN trackai.loyalty_members.checkpoint_no IS 'how many windows since the anchor were closed and kept';
COMMENT ON COLUMN trackai.loyalty_members.window_start IS 'first day of the open window; NULL before the first evaluation';
COMMENT ON COLUMN trackai.loyalty_members.window_end IS 'first day after it; NULL: it does not end';
COMMENT ON COLUMN trackai.loyalty_members.climb_start IS 'first day whose sales count towards a higher tier; NULL before the first evaluation';
COMMENT ON COLUMN trackai.loyalty_members.in_grace IS 'whether the window goes on after its end';
COMMENT ON COLUMN trackai.loyalty_members.evaluated_day IS 'last evaluated day; NULL: none yet';
COMMENT ON COLUMN trackai.loyalty_members.checkpoint_sales_current IS 'cache: sales in the open window before the evaluated day, in the program''s currency';
COMMENT ON COLUMN trackai.loyalty_members.checkpoint_units_current IS 'cache: units in the open window before the evaluated day';
COMMENT ON COLUMN trackai.loyalty_members.total_sales IS 'cache: all entries of the ledger in the program''s currency';
COMMENT ON COLUMN trackai.loyalty_members.total_units IS 'cache: units of all entries of the ledger';
COMMENT ON COLUMN trackai.loyalty_members.manual_adjustments_total IS 'cache: adjustments in the program''s currency';
COMMENT ON COLUMN trackai.loyalty_members.manual_adjustments_units IS 'cache: units of adjustments';
COMMENT ON COLUMN trackai.loyalty_members.checkpoint_progress_updated_at IS 'when the caches were last written; NULL: never';
COMMENT ON COLUMN trackai.loyalty_members.created_at IS 'when the creator became a member here';
COMMENT ON COLUMN trackai.loyalty_members.updated_at IS 'when the row was last changed';

CREATE TABLE trackai.creator_aliases (
    tenant_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('link', 'tiktok')),
    alias text COLLATE "C" NOT NULL CHECK (length(alias) BETWEEN 1 AND 512),
    valid_from date NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, kind, alias, valid_from),
    FOREIGN KEY (tenant_id, user_id) REFERENCES trackai.users (tenant_id, id),
    CONSTRAINT aliases_are_written_one_way CHECK (
        alias = btrim(alias) AND (kind = 'link' OR (alias = lower(alias) AND alias NOT LIKE '@%'))
    )
);
-- A creator's aliases; the foreign key's own look-up.
CREATE INDEX creator_aliases_by_user ON trackai.creator_aliases (tenant_id, user_id);
COMMENT ON TABLE trackai.creator_aliases IS 'Whose a link code or a handle is from a day on, until the next row of the alias.';
COMMENT ON COLUMN trackai.creator_aliases.tenant_id IS 'whose creator it is';
COMMENT ON COLUMN trackai.creator_aliases.kind IS 'link (the code in a tracked link) or tiktok (a handle)';
COMMENT ON COLUMN trackai.creator_aliases.alias IS 'the code, trimmed; the handle in lower case without @';
COMMENT ON COLUMN trackai.creator_aliases.valid_from IS 'first local day on which it is the creator''s';
COMMENT ON COLUMN trackai.creator_aliases.user_id IS 'the creator (users.id)';
COMMENT ON COLUMN trackai.creator_aliases.created_at IS 'when the row was made';
COMMENT ON COLUMN trackai.creator_aliases.updated_at IS 'when it was last changed';

-- Facts ---------------------------------------------------------------------------------------------------------------

CREATE TABLE trackai.sales_reports (
    tenant_id text COLLATE "C" NOT NULL REFERENCES trackai.tenants (id),
    id bigint GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    source text COLLATE "C" NOT NULL CHECK (source <> ''),
    item text COLLATE "C" NOT NULL CHECK (length(item) BETWEEN 1 AND 512),
    handle text COLLATE "C" CHECK (handle <> ''),
    -- Derived from the handle, and changed by nothing but posting; it outlives the handle.
    user_id text COLLATE "C",
    basis text COLLATE "C" NOT NULL DEFAULT 'cumulative' CHECK (basis IN ('cumulative', 'daily')),
    report_day date NOT NULL,
    post_date date,
    as_of timestamptz NOT NULL,
    amount numeric(18, 4) NOT NULL CHECK (abs(amount) <= 1000000000000),
    units integer NOT NULL,
    currency text COLLATE "C" NOT NULL CHECK (length(currency) = 3 AND currency !~ '[^A-Z]'),
    file text,
    line bigint,
    received_at timestamptz NOT NULL DEFAULT now(),
    -- Derived as well: set once the figure is old.
    superseded_on date,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, source, item, report_day, as_of)
);
-- lifecycle/: figures that may leave. The newest of an item, and those that are not old, are not in it.
CREATE INDEX sales_reports_superseded ON trackai.sales_reports (superseded_on) WHERE superseded_on IS NOT NULL;
COMMENT ON TABLE trackai.sales_reports IS 'What a sync said about the sales of a video or creator up to a day. What it said is never changed.';
COMMENT ON COLUMN trackai.sales_reports.tenant_id IS 'whose sales they are (tenants.id)';
COMMENT ON COLUMN trackai.sales_reports.id IS 'number of the report, generated';
COMMENT ON COLUMN trackai.sales_reports.source IS 'the sync, e.g. cruva';
COMMENT ON COLUMN trackai.sales_reports.item IS 'id of the video; @<handle> for a creator''s total';
COMMENT ON COLUMN trackai.sales_reports.handle IS 'the creator''s handle, in lower case without @; NULL once it was erased';
COMMENT ON COLUMN trackai.sales_reports.user_id IS 'whose handle it was at the last posting (users.id); NULL: nobody''s yet';
COMMENT ON COLUMN trackai.sales_reports.basis IS 'cumulative: all sales of the item until the day''s end; daily: those of the day';
COMMENT ON COLUMN trackai.sales_reports.report_day IS 'local day that the figure is of';
COMMENT ON COLUMN trackai.sales_reports.post_date IS 'local day on which the video was posted; NULL where the sync does not say';
COMMENT ON COLUMN trackai.sales_reports.as_of IS 'when the sync said so; the newest of an item and day counts';
COMMENT ON COLUMN trackai.sales_reports.amount IS 'sales, in units of the currency; may be negative';
COMMENT ON COLUMN trackai.sales_reports.units IS 'units sold';
COMMENT ON COLUMN trackai.sales_reports.currency IS 'ISO 4217 code of the amount';
COMMENT ON COLUMN trackai.sales_reports.file IS 'path of the file below the landing folder; NULL where there was none';
COMMENT ON COLUMN trackai.sales_reports.line IS 'line of the file, from 1; NULL where there was none';
COMMENT ON COLUMN trackai.sales_reports.received_at IS 'when the report arrived';
COMMENT ON COLUMN trackai.sales_reports.superseded_on IS 'day of the item''s next figure, once this one is old; NULL: it is needed';
COMMENT ON COLUMN trackai.sales_reports.created_at IS 'when the row was written';

CREATE TABLE trackai.sales_sync_days (
    tenant_id text COLLATE "C" NOT NULL REFERENCES trackai.tenants (id),
    source text COLLATE "C" NOT NULL CHECK (source <> ''),
    report_day date NOT NULL,
    as_of timestamptz NOT NULL,
    lines bigint NOT NULL CHECK (lines >= 0),
    unchanged bigint NOT NULL DEFAULT 0 CHECK (unchanged >= 0),
    unassigned bigint NOT NULL DEFAULT 0 CHECK (unassigned >= 0),
    amount numeric NOT NULL,
    units bigint NOT NULL,
    received_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, source, report_day)
);
COMMENT ON TABLE trackai.sales_sync_days IS 'The newest delivery of each day of a sync.';
COMMENT ON COLUMN trackai.sales_sync_days.tenant_id IS 'whose sync it is (tenants.id)';
COMMENT ON COLUMN trackai.sales_sync_days.source IS 'the sync';
COMMENT ON COLUMN trackai.sales_sync_days.report_day IS 'local day that it reports';
COMMENT ON COLUMN trackai.sales_sync_days.as_of IS 'when the sync said so';
COMMENT ON COLUMN trackai.sales_sync_days.lines IS 'items in the delivery';
COMMENT ON COLUMN trackai.sales_sync_days.unchanged IS 'items whose figure is that of their report day before';
COMMENT ON COLUMN trackai.sales_sync_days.unassigned IS 'items whose handle is nobody''s';
COMMENT ON COLUMN trackai.sales_sync_days.amount IS 'sum of the figures, over all currencies: to compare deliveries with';
COMMENT ON COLUMN trackai.sales_sync_days.units IS 'sum of the units';
COMMENT ON COLUMN trackai.sales_sync_days.received_at IS 'when it arrived';
COMMENT ON COLUMN trackai.sales_sync_days.created_at IS 'when the row was made';
COMMENT ON COLUMN trackai.sales_sync_days.updated_at IS 'when it was last changed';

CREATE TABLE trackai.videos (
    tenant_id text COLLATE "C" NOT NULL,
    video_id text COLLATE "C" NOT NULL CHECK (length(video_id) BETWEEN 1 AND 512),
    post_date date NOT NULL,
    video_url text,
    video_title text,
    user_id text COLLATE "C",
    views bigint NOT NULL DEFAULT 0,
    likes bigint NOT NULL DEFAULT 0,
    comments bigint NOT NULL DEFAULT 0,
    gmv numeric(18, 4) NOT NULL DEFAULT 0,
    ctr numeric(6, 3),
    units_sold bigint NOT NULL DEFAULT 0,
    sync_date timestamptz NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, video_id, post_date)
) PARTITION BY RANGE (post_date);
-- Videos that a creator posted in a window.
CREATE INDEX videos_by_user ON trackai.videos (tenant_id, user_id, post_date);
COMMENT ON TABLE trackai.videos IS 'The newest figures of each video; a partition a month of post_date. The ledger never reads it.';
COMMENT ON COLUMN trackai.videos.tenant_id IS 'whose creator posted it (tenants.id)';
COMMENT ON COLUMN trackai.videos.video_id IS 'digits of its URL, else 32 hex digits of the URL''s SHA-256';
COMMENT ON COLUMN trackai.videos.post_date IS 'local day on which it was posted, as it was first told';
COMMENT ON COLUMN trackai.videos.video_url IS 'its URL; NULL once it was erased';
COMMENT ON COLUMN trackai.videos.video_title IS 'its title; NULL when not given or erased';
COMMENT ON COLUMN trackai.videos.user_id IS 'the creator (users.id); NULL while the handle is nobody''s';
COMMENT ON COLUMN trackai.videos.views IS 'views so far';
COMMENT ON COLUMN trackai.videos.likes IS 'likes so far';
COMMENT ON COLUMN trackai.videos.comments IS 'comments so far';
COMMENT ON COLUMN trackai.videos.gmv IS 'sales so far, in the currency of its reports';
COMMENT ON COLUMN trackai.videos.ctr IS 'click-through rate as the sync gives it; NULL when not given';
COMMENT ON COLUMN trackai.videos.units_sold IS 'units sold so far';
COMMENT ON COLUMN trackai.videos.sync_date IS 'when the sync gave these figures';
COMMENT ON COLUMN trackai.videos.first_seen_at IS 'when the video was first reported';
COMMENT ON COLUMN trackai.videos.created_at IS 'when the row was made';
COMMENT ON COLUMN trackai.videos.updated_at IS 'when it was last changed';

CREATE TABLE trackai.sales_adjustments (
    tenant_id text COLLATE "C" NOT NULL REFERENCES trackai.tenants (id),
    id bigint GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    external_id text COLLATE "C" CHECK (length(external_id) BETWEEN 1 AND 512),
    user_id text COLLATE "C" NOT NULL,
    amount numeric(18, 4) NOT NULL DEFAULT 0 CHECK (abs(amount) <= 1000000000000),
    amount_units integer NOT NULL DEFAULT 0,
    currency text COLLATE "C" NOT NULL CHECK (length(currency) = 3 AND currency !~ '[^A-Z]'),
    reason text CHECK (btrim(reason) <> ''),
    adjustment_type text COLLATE "C" NOT NULL
        CHECK (adjustment_type IN ('manual_sale', 'refund', 'bonus', 'correction')),
    effective_on date,
    adjusted_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, external_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES trackai.users (tenant_id, id),
    CONSTRAINT adjustments_change_something CHECK (amount <> 0 OR amount_units <> 0)
);
COMMENT ON TABLE trackai.sales_adjustments IS 'Sales that people add or take away by hand. Never changed: a correction is a new row.';
COMMENT ON COLUMN trackai.sales_adjustments.tenant_id IS 'whose creator it is (tenants.id)';
COMMENT ON COLUMN trackai.sales_adjustments.id IS 'number of the adjustment, generated';
COMMENT ON COLUMN trackai.sales_adjustments.external_id IS 'the producer''s own id; NULL when there is none';
COMMENT ON COLUMN trackai.sales_adjustments.user_id IS 'the creator (users.id)';
COMMENT ON COLUMN trackai.sales_adjustments.amount IS 'signed, in units of the currency';
COMMENT ON COLUMN trackai.sales_adjustments.amount_units IS 'signed units';
COMMENT ON COLUMN trackai.sales_adjustments.currency IS 'ISO 4217 code of the amount';
COMMENT ON COLUMN trackai.sales_adjustments.reason IS 'why; NULL once it was erased';
COMMENT ON COLUMN trackai.sales_adjustments.adjustment_type IS 'manual_sale, refund, bonus or correction';
COMMENT ON COLUMN trackai.sales_adjustments.effective_on IS 'local day on which it counts; NULL: the local day of created_at';
COMMENT ON COLUMN trackai.sales_adjustments.adjusted_by IS 'login of who did it, or the file; NULL when unknown';
COMMENT ON COLUMN trackai.sales_adjustments.created_at IS 'when it was made';

-- The ledger ----------------------------------------------------------------------------------------------------------

CREATE TABLE trackai.ledger_postings (
    tenant_id text COLLATE "C" NOT NULL REFERENCES trackai.tenants (id),
    posting_no bigint NOT NULL CHECK (posting_no >= 1),
    posted_at timestamptz NOT NULL,
    run_id text,
    entries bigint NOT NULL CHECK (entries >= 1),
    amount_by_currency jsonb NOT NULL CHECK (jsonb_typeof(amount_by_currency) = 'object'),
    digest text COLLATE "C" NOT NULL CHECK (length(digest) = 64 AND digest !~ '[^0-9a-f]'),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, posting_no)
);
COMMENT ON TABLE trackai.ledger_postings IS 'Postings of each tenant, numbered 1, 2, 3 in the order of their commits, without gaps.';
COMMENT ON COLUMN trackai.ledger_postings.tenant_id IS 'whose ledger it is (tenants.id)';
COMMENT ON COLUMN trackai.ledger_postings.posting_no IS 'its number, from 1';
COMMENT ON COLUMN trackai.ledger_postings.posted_at IS 'when it was posted';
COMMENT ON COLUMN trackai.ledger_postings.run_id IS 'the Dagster run, or cli-<id> for the command line; NULL when unknown';
COMMENT ON COLUMN trackai.ledger_postings.entries IS 'how many entries it has';
COMMENT ON COLUMN trackai.ledger_postings.amount_by_currency IS 'sum of its amounts by ISO 4217 code, as an object of texts';
COMMENT ON COLUMN trackai.ledger_postings.digest IS 'SHA-256 of the digest before (64 zeros for the first) and the sorted lines of its entries, 64 hex digits';
COMMENT ON COLUMN trackai.ledger_postings.created_at IS 'when the row was written';

CREATE TABLE trackai.sales_ledger (
    tenant_id text COLLATE "C" NOT NULL,
    id bigint GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    posting_no bigint NOT NULL CHECK (posting_no >= 1),
    source text COLLATE "C" NOT NULL CHECK (source IN ('conversion', 'csv', 'adjustment', 'refund')),
    source_ref text COLLATE "C" NOT NULL CHECK (source_ref <> ''),
    user_id text COLLATE "C" NOT NULL CHECK (user_id <> ''),
    revision integer NOT NULL CHECK (revision >= 1),
    sale_day date NOT NULL,
    occurred_at timestamptz,
    amount numeric(18, 4) NOT NULL,
    units integer NOT NULL,
    currency text COLLATE "C" NOT NULL CHECK (length(currency) = 3 AND currency !~ '[^A-Z]'),
    recorded_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, source, source_ref, user_id, revision),
    CONSTRAINT entries_change_something CHECK (amount <> 0 OR units <> 0)
);
-- The sum of a window.
CREATE INDEX sales_ledger_by_day ON trackai.sales_ledger (tenant_id, user_id, sale_day);
-- What an evaluation has not seen; the entries of a posting.
CREATE INDEX sales_ledger_by_posting ON trackai.sales_ledger (tenant_id, posting_no);
COMMENT ON TABLE trackai.sales_ledger IS 'Every sale credited to a creator, signed. Rows are only added: what changes is a new revision.';
COMMENT ON COLUMN trackai.sales_ledger.tenant_id IS 'whose creator it is';
COMMENT ON COLUMN trackai.sales_ledger.id IS 'number of the entry, generated';
COMMENT ON COLUMN trackai.sales_ledger.posting_no IS 'the posting that it came with (ledger_postings.posting_no)';
COMMENT ON COLUMN trackai.sales_ledger.source IS 'conversion, csv (a sync''s report), adjustment or refund';
COMMENT ON COLUMN trackai.sales_ledger.source_ref IS 'what it is of: <gateway>:<event id>, <sync>:<report day>, adj:<id> or <gateway>:<refund event id>';
COMMENT ON COLUMN trackai.sales_ledger.user_id IS 'the creator (users.id)';
COMMENT ON COLUMN trackai.sales_ledger.revision IS '1 for the first entry of a source_ref and creator, then 2, 3, ...';
COMMENT ON COLUMN trackai.sales_ledger.sale_day IS 'local day on which it counts';
COMMENT ON COLUMN trackai.sales_ledger.occurred_at IS 'when the sale or refund was; NULL for reports and adjustments';
COMMENT ON COLUMN trackai.sales_ledger.amount IS 'signed, in units of the currency';
COMMENT ON COLUMN trackai.sales_ledger.units IS 'signed units';
COMMENT ON COLUMN trackai.sales_ledger.currency IS 'ISO 4217 code of the amount; XXX for sales without one';
COMMENT ON COLUMN trackai.sales_ledger.recorded_at IS 'when it was posted';
COMMENT ON COLUMN trackai.sales_ledger.created_at IS 'when the row was written';

CREATE TABLE trackai.creator_sales_daily (
    tenant_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    sale_day date NOT NULL,
    currency text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    amount numeric(18, 4) NOT NULL,
    units bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id, sale_day, currency, source)
);
COMMENT ON TABLE trackai.creator_sales_daily IS 'Cache of the ledger: its sums by creator, day, currency and source.';
COMMENT ON COLUMN trackai.creator_sales_daily.tenant_id IS 'whose creator it is';
COMMENT ON COLUMN trackai.creator_sales_daily.user_id IS 'the creator (users.id)';
COMMENT ON COLUMN trackai.creator_sales_daily.sale_day IS 'local day of the sales';
COMMENT ON COLUMN trackai.creator_sales_daily.currency IS 'ISO 4217 code of the amount';
COMMENT ON COLUMN trackai.creator_sales_daily.source IS 'conversion, csv, adjustment or refund';
COMMENT ON COLUMN trackai.creator_sales_daily.amount IS 'sum of the amounts';
COMMENT ON COLUMN trackai.creator_sales_daily.units IS 'sum of the units';
COMMENT ON COLUMN trackai.creator_sales_daily.created_at IS 'when the row was made';
COMMENT ON COLUMN trackai.creator_sales_daily.updated_at IS 'when it was last changed';

-- What is posted stays as it is. Citus has no such triggers: there, nobody is granted to do so.
CREATE FUNCTION trackai.refuse_change_of_ledger() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    is_empty boolean := false;
BEGIN
    -- TRUNCATE of what the ledger belongs to reaches it, too: where nothing was posted, nothing is lost.
    IF TG_OP = 'TRUNCATE' THEN
        EXECUTE format('SELECT NOT EXISTS (SELECT FROM %I.%I)', TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO is_empty;
    END IF;
    IF is_empty THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '%.% is append-only: what was posted is never changed', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', HINT = 'Insert into trackai.sales_adjustments, then run `trackai loyalty post`.';
END $$;
CREATE TRIGGER sales_ledger_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON trackai.sales_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION trackai.refuse_change_of_ledger();
CREATE TRIGGER ledger_postings_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON trackai.ledger_postings
    FOR EACH STATEMENT EXECUTE FUNCTION trackai.refuse_change_of_ledger();

-- Tiers ---------------------------------------------------------------------------------------------------------------

CREATE TABLE trackai.tier_evaluations (
    tenant_id text COLLATE "C" NOT NULL REFERENCES trackai.tenants (id),
    day date NOT NULL,
    ledger_upto bigint NOT NULL CHECK (ledger_upto >= 0),
    evaluated_at timestamptz NOT NULL,
    run_id text,
    members bigint NOT NULL CHECK (members >= 0),
    promoted bigint NOT NULL DEFAULT 0 CHECK (promoted >= 0),
    maintained bigint NOT NULL DEFAULT 0 CHECK (maintained >= 0),
    demoted bigint NOT NULL DEFAULT 0 CHECK (demoted >= 0),
    corrected bigint NOT NULL DEFAULT 0 CHECK (corrected >= 0),
    graced bigint NOT NULL DEFAULT 0 CHECK (graced >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, day)
);
COMMENT ON TABLE trackai.tier_evaluations IS 'Evaluated days of each program, each with what was known. Written once.';
COMMENT ON COLUMN trackai.tier_evaluations.tenant_id IS 'whose program it is (tenants.id)';
COMMENT ON COLUMN trackai.tier_evaluations.day IS 'the local day';
COMMENT ON COLUMN trackai.tier_evaluations.ledger_upto IS 'last posting that it took into account; 0: there was none';
COMMENT ON COLUMN trackai.tier_evaluations.evaluated_at IS 'when it was evaluated';
COMMENT ON COLUMN trackai.tier_evaluations.run_id IS 'the Dagster run, or cli-<id> for the command line; NULL when unknown';
COMMENT ON COLUMN trackai.tier_evaluations.members IS 'members who were evaluated';
COMMENT ON COLUMN trackai.tier_evaluations.promoted IS 'events promoted';
COMMENT ON COLUMN trackai.tier_evaluations.maintained IS 'events maintained';
COMMENT ON COLUMN trackai.tier_evaluations.demoted IS 'events demoted';
COMMENT ON COLUMN trackai.tier_evaluations.corrected IS 'events corrected';
COMMENT ON COLUMN trackai.tier_evaluations.graced IS 'events grace';
COMMENT ON COLUMN trackai.tier_evaluations.created_at IS 'when the row was written';

CREATE TABLE trackai.tier_checkpoints (
    tenant_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    checkpoint_date date NOT NULL,
    period_start_date date,
    period_end_date date,
    sales_in_period numeric(18, 4),
    sales_required numeric(18, 4),
    units_in_period bigint,
    units_required bigint,
    climbed_in_period numeric(18, 4),
    tier_before text COLLATE "C",
    tier_after text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL
        CHECK (status IN ('enrolled', 'promoted', 'maintained', 'demoted', 'grace', 'corrected', 'manual')),
    ledger_upto bigint NOT NULL CHECK (ledger_upto >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id, checkpoint_date),
    FOREIGN KEY (tenant_id, user_id) REFERENCES trackai.loyalty_members (tenant_id, user_id)
);
-- The events of a day.
CREATE INDEX tier_checkpoints_by_day ON trackai.tier_checkpoints (tenant_id, checkpoint_date);
COMMENT ON TABLE trackai.tier_checkpoints IS 'What an evaluation decided about a creator: at most one event a day. Written once.';
COMMENT ON COLUMN trackai.tier_checkpoints.tenant_id IS 'whose creator it is';
COMMENT ON COLUMN trackai.tier_checkpoints.user_id IS 'the creator (loyalty_members.user_id)';
COMMENT ON COLUMN trackai.tier_checkpoints.checkpoint_date IS 'the evaluated day';
COMMENT ON COLUMN trackai.tier_checkpoints.period_start_date IS 'first day of the window; NULL for enrolled';
COMMENT ON COLUMN trackai.tier_checkpoints.period_end_date IS 'first day after the window; NULL for grace and enrolled';
COMMENT ON COLUMN trackai.tier_checkpoints.sales_in_period IS 'sales of the window as known then, in the program''s currency; NULL for enrolled';
COMMENT ON COLUMN trackai.tier_checkpoints.sales_required IS 'sales that were required; NULL where none were';
COMMENT ON COLUMN trackai.tier_checkpoints.units_in_period IS 'units of the window as known then; NULL for enrolled';
COMMENT ON COLUMN trackai.tier_checkpoints.units_required IS 'units that were required; NULL where none were';
COMMENT ON COLUMN trackai.tier_checkpoints.climbed_in_period IS 'of promotions, what counted towards the higher tier; NULL for others';
COMMENT ON COLUMN trackai.tier_checkpoints.tier_before IS 'tier before (tiers.tier_id); NULL for enrolled';
COMMENT ON COLUMN trackai.tier_checkpoints.tier_after IS 'tier after (tiers.tier_id)';
COMMENT ON COLUMN trackai.tier_checkpoints.status IS 'enrolled, promoted, maintained, demoted, grace, corrected or manual';
COMMENT ON COLUMN trackai.tier_checkpoints.ledger_upto IS 'last posting that was taken into account; 0: there was none';
COMMENT ON COLUMN trackai.tier_checkpoints.created_at IS 'when the row was written';

CREATE TABLE trackai.tier_overrides (
    tenant_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    effective_on date NOT NULL,
    tier_id text COLLATE "C" NOT NULL,
    reason text CHECK (btrim(reason) <> ''),
    created_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id, effective_on),
    FOREIGN KEY (tenant_id, user_id) REFERENCES trackai.loyalty_members (tenant_id, user_id)
);
COMMENT ON TABLE trackai.tier_overrides IS 'Tiers that people set by hand, each from a day on. Never changed.';
COMMENT ON COLUMN trackai.tier_overrides.tenant_id IS 'whose creator it is';
COMMENT ON COLUMN trackai.tier_overrides.user_id IS 'the creator (loyalty_members.user_id)';
COMMENT ON COLUMN trackai.tier_overrides.effective_on IS 'the day from which the creator has the tier; it was not evaluated yet';
COMMENT ON COLUMN trackai.tier_overrides.tier_id IS 'the tier (tiers.tier_id)';
COMMENT ON COLUMN trackai.tier_overrides.reason IS 'why; NULL once it was erased';
COMMENT ON COLUMN trackai.tier_overrides.created_by IS 'login of who set it; NULL when unknown';
COMMENT ON COLUMN trackai.tier_overrides.created_at IS 'when it was set';

-- Figures -------------------------------------------------------------------------------------------------------------

CREATE TABLE trackai.loyalty_daily_credit (
    tenant_id text COLLATE "C" NOT NULL REFERENCES trackai.tenants (id),
    day date NOT NULL,
    currency text COLLATE "C" NOT NULL,
    conversions bigint NOT NULL CHECK (conversions >= 0),
    matched bigint NOT NULL CHECK (matched >= 0),
    credited bigint NOT NULL CHECK (credited >= 0),
    no_link bigint NOT NULL CHECK (no_link >= 0),
    unknown_link bigint NOT NULL CHECK (unknown_link >= 0),
    excluded bigint NOT NULL CHECK (excluded >= 0),
    click_gone bigint NOT NULL CHECK (click_gone >= 0),
    unmatched bigint NOT NULL CHECK (unmatched >= 0),
    pending bigint NOT NULL CHECK (pending >= 0),
    value_conversions numeric NOT NULL,
    value_matched numeric NOT NULL,
    value_credited numeric NOT NULL,
    value_no_link numeric NOT NULL,
    value_unknown_link numeric NOT NULL,
    value_excluded numeric NOT NULL,
    value_click_gone numeric NOT NULL,
    value_unmatched numeric NOT NULL,
    value_pending numeric NOT NULL,
    ledger_entries bigint NOT NULL CHECK (ledger_entries >= 0),
    ledger_value numeric NOT NULL,
    computed_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, day, currency),
    CONSTRAINT every_conversion_has_one_reason CHECK (
        conversions = credited + no_link + unknown_link + excluded + click_gone + unmatched + pending
    )
);
COMMENT ON TABLE trackai.loyalty_daily_credit IS 'What became of the conversions of a UTC day: credited to a creator, or why not.';
COMMENT ON COLUMN trackai.loyalty_daily_credit.tenant_id IS 'whose conversions they are (tenants.id)';
COMMENT ON COLUMN trackai.loyalty_daily_credit.day IS 'UTC day of the sales';
COMMENT ON COLUMN trackai.loyalty_daily_credit.currency IS 'ISO 4217 code; XXX for sales without one';
COMMENT ON COLUMN trackai.loyalty_daily_credit.conversions IS 'conversions of the day';
COMMENT ON COLUMN trackai.loyalty_daily_credit.matched IS 'conversions that were matched';
COMMENT ON COLUMN trackai.loyalty_daily_credit.credited IS 'conversions that are in the ledger';
COMMENT ON COLUMN trackai.loyalty_daily_credit.no_link IS 'matched ones whose click has no link code, or whose buyer is nobody''s';
COMMENT ON COLUMN trackai.loyalty_daily_credit.unknown_link IS 'matched ones whose link code is no creator''s on the day of the sale';
COMMENT ON COLUMN trackai.loyalty_daily_credit.excluded IS 'those of an excluded gateway, or of days without a program';
COMMENT ON COLUMN trackai.loyalty_daily_credit.click_gone IS 'matched ones whose click was deleted before they were posted';
COMMENT ON COLUMN trackai.loyalty_daily_credit.unmatched IS 'conversions decided without a match';
COMMENT ON COLUMN trackai.loyalty_daily_credit.pending IS 'conversions not decided or not posted yet';
COMMENT ON COLUMN trackai.loyalty_daily_credit.value_conversions IS 'value of the conversions, in units of the currency';
COMMENT ON COLUMN trackai.loyalty_daily_credit.value_matched IS 'value of the matched ones';
COMMENT ON COLUMN trackai.loyalty_daily_credit.value_credited IS 'value of the credited ones';
COMMENT ON COLUMN trackai.loyalty_daily_credit.value_no_link IS 'value of those without a link code';
COMMENT ON COLUMN trackai.loyalty_daily_credit.value_unknown_link IS 'value of those whose link code is no creator''s';
COMMENT ON COLUMN trackai.loyalty_daily_credit.value_excluded IS 'value of the excluded ones';
COMMENT ON COLUMN trackai.loyalty_daily_credit.value_click_gone IS 'value of those whose click was deleted before they were posted';
COMMENT ON COLUMN trackai.loyalty_daily_credit.value_unmatched IS 'value of those without a match';
COMMENT ON COLUMN trackai.loyalty_daily_credit.value_pending IS 'value of those not decided or not posted yet';
COMMENT ON COLUMN trackai.loyalty_daily_credit.ledger_entries IS 'entries of the ledger of these conversions, over all revisions';
COMMENT ON COLUMN trackai.loyalty_daily_credit.ledger_value IS 'sum of their amounts';
COMMENT ON COLUMN trackai.loyalty_daily_credit.computed_at IS 'when the row was last computed';
COMMENT ON COLUMN trackai.loyalty_daily_credit.created_at IS 'when the row was made';
COMMENT ON COLUMN trackai.loyalty_daily_credit.updated_at IS 'when it was last changed';

CREATE VIEW trackai.metrics AS
SELECT d.tenant_id, d.user_id,
       to_char(d.sale_day, 'YYYY-MM') COLLATE "C" AS period,
       d.currency,
       coalesce(sum(d.amount) FILTER (WHERE d.source = 'csv'), 0) AS tiktok_sales,
       coalesce(sum(d.units) FILTER (WHERE d.source = 'csv'), 0)::bigint AS tiktok_units_sold,
       sum(d.amount) AS total_sales,
       sum(d.units)::bigint AS checkpoint_units_sold
FROM trackai.sales_ledger d
GROUP BY 1, 2, 3, 4;
COMMENT ON VIEW trackai.metrics IS 'The ledger by creator and month, for reports alone: no tier is decided by months.';
COMMENT ON COLUMN trackai.metrics.tenant_id IS 'whose creator it is';
COMMENT ON COLUMN trackai.metrics.user_id IS 'the creator (users.id)';
COMMENT ON COLUMN trackai.metrics.period IS 'the local month as YYYY-MM';
COMMENT ON COLUMN trackai.metrics.currency IS 'ISO 4217 code of the amounts';
COMMENT ON COLUMN trackai.metrics.tiktok_sales IS 'sales that syncs reported';
COMMENT ON COLUMN trackai.metrics.tiktok_units_sold IS 'units that syncs reported';
COMMENT ON COLUMN trackai.metrics.total_sales IS 'sales of all sources, less what was taken back';
COMMENT ON COLUMN trackai.metrics.checkpoint_units_sold IS 'units of all sources, less what was taken back';

-- Partitions longer than a day ------------------------------------------------------------------------------------------

-- Attaches the partitions of trackai.<parent> that these days need, each a month or a quarter; returns their names.
-- Existing ones are left as they are, without any lock on the parent. Two at once: the second waits.
CREATE FUNCTION trackai.make_partitions(parent text, span text, days date[]) RETURNS SETOF text
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    first_day date;
    partition text;
BEGIN
    FOR first_day, partition IN
        SELECT DISTINCT date_trunc(span, d.day)::date,
               parent || to_char(date_trunc(span, d.day), CASE span WHEN 'month' THEN '_YYYYMM' ELSE '_YYYY"q"Q' END)
        FROM unnest(days) AS d (day)
        WHERE d.day IS NOT NULL
        ORDER BY 1
    LOOP
        CONTINUE WHEN to_regclass(format('trackai.%I', partition)) IS NOT NULL;
        PERFORM pg_advisory_xact_lock(7221001);
        -- What another session made meanwhile is in pg_class; to_regclass may go on saying what it said before.
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_catalog.pg_class c
            WHERE c.relnamespace = 'trackai'::regnamespace AND c.relname = partition
        );
        EXECUTE format(
            'CREATE TABLE trackai.%I (LIKE trackai.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)',
            partition, parent
        );
        -- Unlike CREATE ... PARTITION OF, this does not wait for readers of the parent.
        EXECUTE format(
            'ALTER TABLE trackai.%I ATTACH PARTITION trackai.%I FOR VALUES FROM (%L) TO (%L)',
            parent, partition, first_day, (first_day + CASE span WHEN 'month' THEN interval '1 month' ELSE interval '3 months' END)::date
        );
        RETURN NEXT partition;
    END LOOP;
END $$;

INSERT INTO trackai.retention_policies (table_name, keep, action) VALUES
    ('sales_reports', '400 days', 'archive_then_drop');
