-- Results of matching: the queue of what waits, attributions, the match log and the daily match rates.

-- What waits to be matched. A row lives from the commit of its conversion to the commit of its micro-batch.
CREATE TABLE trackai.match_queue (
    tenant_id text COLLATE "C" NOT NULL,
    conversion_id bigint NOT NULL,
    -- new: just arrived. recheck: look again, log only a hit. rematch: asked for, every attempt is logged.
    cause text NOT NULL DEFAULT 'new' CHECK (cause IN ('new', 'recheck', 'rematch')),
    PRIMARY KEY (tenant_id, conversion_id)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- Clicks and identities that unmatched conversions have not been compared with yet: one row per inserting
-- statement and tenant, spanning the ids it wrote (and perhaps others', which does no harm).
CREATE TABLE trackai.fact_arrivals (
    tenant_id text COLLATE "C" NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    fact text NOT NULL CHECK (fact IN ('click', 'identity')),
    first_id bigint NOT NULL,
    last_id bigint NOT NULL CHECK (last_id >= first_id),
    PRIMARY KEY (tenant_id, id)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- The queue's writers. ALWAYS, so that rows restored or replicated by a session that mutes triggers queue too.
CREATE FUNCTION trackai.queue_conversions() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trackai.match_queue (tenant_id, conversion_id)
    SELECT tenant_id, id FROM arrived
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER conversions_are_queued AFTER INSERT ON trackai.conversions
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION trackai.queue_conversions();
ALTER TABLE trackai.conversions ENABLE ALWAYS TRIGGER conversions_are_queued;

CREATE FUNCTION trackai.note_arrivals() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trackai.fact_arrivals (tenant_id, fact, first_id, last_id)
    SELECT tenant_id, TG_ARGV[0], min(id), max(id) FROM arrived GROUP BY tenant_id;
    RETURN NULL;
END $$;
CREATE TRIGGER clicks_are_noted AFTER INSERT ON trackai.clicks
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION trackai.note_arrivals('click');
ALTER TABLE trackai.clicks ENABLE ALWAYS TRIGGER clicks_are_noted;
CREATE TRIGGER identities_are_noted AFTER INSERT ON trackai.identities
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION trackai.note_arrivals('identity');
ALTER TABLE trackai.identities ENABLE ALWAYS TRIGGER identities_are_noted;

CREATE TABLE trackai.matched_attributions (
    tenant_id text COLLATE "C" NOT NULL,
    conversion_id bigint NOT NULL,
    click_id bigint,
    strategy text COLLATE "C" NOT NULL CHECK (strategy IN ('fbc', 'fbp', 'email', 'unmatched')),
    matched_at timestamptz NOT NULL DEFAULT now(),
    -- Rows of match_log written for this conversion; a re-match numbers on from here.
    attempts smallint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- Hashes of the keys that an unmatched conversion still waits for; NULL once it is matched.
    open_click_key bigint,
    open_browser_key bigint,
    open_email_key bigint,
    PRIMARY KEY (tenant_id, conversion_id),
    FOREIGN KEY (tenant_id, conversion_id) REFERENCES trackai.conversions (tenant_id, id),
    FOREIGN KEY (tenant_id, click_id) REFERENCES trackai.clicks (tenant_id, id) ON DELETE SET NULL (click_id),
    CHECK (strategy <> 'unmatched' OR click_id IS NULL)
);
-- The foreign key's own look-up when a click is deleted.
CREATE INDEX matched_attributions_by_click ON trackai.matched_attributions (tenant_id, click_id)
    WHERE click_id IS NOT NULL;
-- matching/attributions_of_day: a tenant's attributions by strategy over a day.
CREATE INDEX matched_attributions_by_strategy ON trackai.matched_attributions (tenant_id, strategy, matched_at);
-- matching/enqueue_late: unmatched conversions of a tenant that wait for this key.
CREATE INDEX open_click_keys ON trackai.matched_attributions (tenant_id, open_click_key)
    WHERE open_click_key IS NOT NULL;
CREATE INDEX open_browser_keys ON trackai.matched_attributions (tenant_id, open_browser_key)
    WHERE open_browser_key IS NOT NULL;
CREATE INDEX open_email_keys ON trackai.matched_attributions (tenant_id, open_email_key)
    WHERE open_email_key IS NOT NULL;

-- The audit trail: append-only, one partition a UTC day (lifecycle/), no foreign keys: a log outlives what it logs.
CREATE TABLE trackai.match_log (
    tenant_id text COLLATE "C" NOT NULL,
    conversion_id bigint NOT NULL,
    attempt smallint NOT NULL CHECK (attempt >= 1),
    strategy text COLLATE "C" NOT NULL CHECK (strategy IN ('fbc', 'fbp', 'email')),
    outcome text COLLATE "C" NOT NULL
        CHECK (outcome IN ('hit', 'no_key', 'malformed_key', 'no_candidate', 'outside_window')),
    click_id bigint,
    -- Milliseconds from the start of the micro-batch that decided it to the writing of this row.
    processing_ms double precision NOT NULL CHECK (processing_ms >= 0),
    run_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((outcome = 'hit') = (click_id IS NOT NULL))
) PARTITION BY RANGE (created_at);
-- matching/explain: the attempts of a conversion.
CREATE INDEX match_log_by_conversion ON trackai.match_log (tenant_id, conversion_id);

CREATE TABLE trackai.daily_match_rates (
    tenant_id text COLLATE "C" NOT NULL REFERENCES trackai.tenants (id),
    day date NOT NULL,
    gateway text COLLATE "C" NOT NULL,
    currency character(3) NOT NULL,
    conversions bigint NOT NULL CHECK (conversions >= 0),
    fbc bigint NOT NULL CHECK (fbc >= 0),
    fbp bigint NOT NULL CHECK (fbp >= 0),
    email bigint NOT NULL CHECK (email >= 0),
    unmatched bigint NOT NULL CHECK (unmatched >= 0),
    pending bigint NOT NULL CHECK (pending >= 0),
    match_rate double precision GENERATED ALWAYS AS (
        (fbc + fbp + email)::double precision / nullif(fbc + fbp + email + unmatched, 0)
    ) STORED,
    value_total numeric NOT NULL,
    value_matched numeric NOT NULL,
    -- Seconds from the arrival of a conversion to its attribution, 95th percentile.
    p95_match_seconds double precision,
    computed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, day, gateway, currency),
    CHECK (conversions = fbc + fbp + email + unmatched + pending),
    CHECK (value_matched BETWEEN 0 AND value_total)
);
-- match_rates/aggregate_day, match_rates/rates_of_days: all tenants of a day.
CREATE INDEX daily_match_rates_by_day ON trackai.daily_match_rates (day);

COMMENT ON TABLE trackai.matched_attributions IS 'What became of each conversion: its click and the strategy that found it, or unmatched.';
COMMENT ON COLUMN trackai.matched_attributions.click_id IS 'NULL when unmatched, or once the click is deleted';
COMMENT ON COLUMN trackai.matched_attributions.strategy IS 'fbc, fbp, email or unmatched';
COMMENT ON COLUMN trackai.matched_attributions.attempts IS 'rows of match_log so far';
COMMENT ON COLUMN trackai.matched_attributions.open_click_key IS 'hash of the click key it still waits for, while unmatched';
COMMENT ON COLUMN trackai.matched_attributions.open_browser_key IS 'hash of the browser key it still waits for, while unmatched';
COMMENT ON COLUMN trackai.matched_attributions.open_email_key IS 'hash of the e-mail hash it still waits for, while unmatched';
COMMENT ON TABLE trackai.match_log IS 'Every attempt to match, with its outcome. Append-only.';
COMMENT ON COLUMN trackai.match_log.attempt IS 'numbered through all attempts of the conversion, from 1';
COMMENT ON COLUMN trackai.match_log.outcome IS 'hit, no_key, malformed_key, no_candidate or outside_window';
COMMENT ON COLUMN trackai.match_log.processing_ms IS 'from the start of the micro-batch to the writing of this row';
COMMENT ON COLUMN trackai.match_log.run_id IS 'the Dagster run, or cli-<id>';

COMMENT ON TABLE trackai.daily_match_rates IS 'Conversions and matches per tenant, UTC day of the sale, gateway and currency.';
COMMENT ON COLUMN trackai.daily_match_rates.pending IS 'not decided yet when the day was computed';
COMMENT ON COLUMN trackai.daily_match_rates.match_rate IS 'matched / (matched + unmatched); NULL where nothing is decided';
COMMENT ON COLUMN trackai.daily_match_rates.value_matched IS 'value of the conversions that have a match';
COMMENT ON COLUMN trackai.daily_match_rates.p95_match_seconds IS 'from arrival to decision, 95th percentile';
